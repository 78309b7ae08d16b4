"""`evaluate`: labelled questions against the base."""
import click
@click.command()
def evaluate() -> None: ...
