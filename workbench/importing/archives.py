"""Zip archives of other people: read in memory, by exact names, within limits. Nothing is ever extracted."""

import struct
import zipfile
import zlib
from typing import BinaryIO

from workbench.errors import WorkbenchError
from workbench.text import clean

LARGEST = 1 << 28
"""Bytes of one member, unpacked."""
RATIO = 200
"""Weights do not pack better than this; zip bombs do."""
HARMLESS = 1 << 20
"""Bytes up to which a member may be packed however well."""
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError, OverflowError,
    LookupError, TypeError,
)  # fmt: skip
"""What reading a damaged archive raises, by where the damage is."""


def is_archive(first: bytes) -> bool:
    """Whether a file that begins so may be a zip archive."""
    return first.startswith(b"PK\x03\x04")


class Archive:
    """An open archive.

    Raises:
        WorkbenchError: it cannot be read.
    """

    def __init__(self, file: BinaryIO) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
            self.members = {info.filename: info for info in self._zip.infolist()}
        except DAMAGED as error:
            raise WorkbenchError(f"a damaged zip archive ({_told(error)})") from None

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def read(self, name: str, limit: int = LARGEST) -> bytes:
        """A member, unpacked.

        Raises:
            WorkbenchError: there is none of this name, it is larger than `limit` bytes, packed as bombs are, encrypted,
                or not what the archive says of it.
        """
        info, told = self.members.get(name), clean(name, 60)
        if info is None:
            raise WorkbenchError(f"no `{told}` in the archive")
        if info.file_size > limit:
            raise WorkbenchError(
                f"`{told}` would unpack to {info.file_size / 2**20:,.0f} MiB; {limit / 2**20:.0f} MiB at most are read"
            )
        if info.file_size > HARMLESS and info.file_size > RATIO * info.compress_size:
            raise WorkbenchError(f"`{told}` is packed {info.file_size // max(1, info.compress_size)} to 1: a zip bomb")
        if info.flag_bits & 1:
            raise WorkbenchError(f"`{told}` is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise WorkbenchError(f"`{told}` is packed by method {info.compress_type}; stored and deflated are read")
        try:
            # The library stops at the size that is declared, and holds what it has against the checksum.
            with self._zip.open(info) as member:
                data = member.read()
        except DAMAGED as error:
            raise WorkbenchError(f"`{told}` in the archive is damaged ({_told(error)})") from None
        if len(data) != info.file_size:
            raise WorkbenchError(f"`{told}` declares {info.file_size} bytes and holds {len(data)}")
        return data


def _told(error: BaseException) -> str:
    return clean(error, 100) or type(error).__name__
