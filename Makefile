.PHONY: run check fix

run:
	streamlit run app.py

check:
	ruff format --check .
	ruff check .
	mypy
	pytest

fix:
	ruff format .
	ruff check --fix .
