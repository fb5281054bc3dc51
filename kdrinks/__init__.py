"""kdrinks: a local chatbot about traditional Korean drinks.

How a question becomes an answer:

    pages/chat.py   st.chat_input
      -> answer.ask(services, question, ...)   starts it and returns at once; the page only watches
           knowledge.find_passages(...)        what the knowledge base says about it
           prompt.build(...)                   messages for the model; pure
           engine.stream(...)                  llama.cpp in a child process, piece by piece
           guard.check(...)                    every sentence against the passages
           store.chats.record(...)             always: done, stopped or failed
           words.count(...)                    rows for the analytics page
      -> ui draws the answer's buffer; a rerun or a refresh attaches again

Start reading at answer.py. Nothing is imported here and importing has no side effects.
"""
