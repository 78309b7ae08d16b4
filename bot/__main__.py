"""`python -m bot …` is `rueckspiegel …`."""

from bot.commands.main import main

if __name__ == "__main__":
    main(prog_name="rueckspiegel")
