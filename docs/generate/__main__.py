"""`make reference`: write the generated pages into docs/reference."""

from docs.generate.pages import FOLDER, pages

for name, text in pages().items():
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
