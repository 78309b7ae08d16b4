"""What stewards did, as commits of the data folder where that is a git checkout, under their pseudonym."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from dulwich.errors import NotGitRepository
from dulwich.repo import Repo


def begin(folder: Path, message: str, moment: datetime) -> None:
    """A new repository with everything in the folder as its first commit."""
    with Repo.init(str(folder)) as repository:
        files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts]
        _commit(repository, folder, files, message, "rueckspiegel", moment)


def record(folder: Path, paths: Iterable[Path], message: str, by: str, moment: datetime) -> bool:
    """Commit these paths below the folder, those that are gone too; whether there is a history to write in."""
    try:
        repository = Repo.discover(str(folder))
    except NotGitRepository:
        return False
    with repository:
        tracked = set(repository.open_index())
        root = Path(repository.path).absolute()
        known = [folder / path for path in paths if (folder / path).exists() or _name(folder / path, root) in tracked]
        _commit(repository, folder, known, message, by, moment)
    return True


def _commit(repository: Repo, folder: Path, files: Iterable[Path], message: str, by: str, moment: datetime) -> None:
    root = Path(repository.path).absolute()
    repository.get_worktree().stage([_name(file, root).decode() for file in files])
    who = f"{by} <{by}@rueckspiegel.invalid>".encode()
    repository.get_worktree().commit(
        message=message.encode(),
        author=who,
        committer=who,
        author_timestamp=moment.timestamp(),
        commit_timestamp=moment.timestamp(),
        author_timezone=0,
        commit_timezone=0,
    )


def _name(file: Path, root: Path) -> bytes:
    return str(file.absolute().relative_to(root)).encode()
