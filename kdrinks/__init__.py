"""kdrinks: a local chatbot about traditional Korean drinks.

Start reading at answer.py; ARCHITECTURE.md tells the way of a question and what each room holds. Nothing is imported here and
importing has no side effects.
"""
