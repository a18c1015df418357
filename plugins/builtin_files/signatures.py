"""Binary formats by their signature: a table of fixed bytes, and a function for each container format."""

from __future__ import annotations

import re
from collections.abc import Callable

from builtin_files.content_types import ContentType

# offset, bytes, type, extension; the first match wins, so a longer signature stands before its beginning.
_FIXED: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (0, b"GIF87a", "image/gif", ".gif"),
    (0, b"GIF89a", "image/gif", ".gif"),
    (0, b"II*\x00", "image/tiff", ".tiff"),
    (0, b"MM\x00*", "image/tiff", ".tiff"),
    (0, b"\x00\x00\x01\x00", "image/x-icon", ".ico"),
    (0, b"\x00\x00\x02\x00", "image/x-icon", ".ico"),
    (0, b"\xff\x0a", "image/jxl", ".jxl"),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl", ".jxl"),
    (0, b"8BPS", "image/vnd.adobe.photoshop", ".psd"),
    (0, b"gimp xcf", "image/x-xcf", ".xcf"),
    (0, b"icns", "image/x-icns", ".icns"),
    (0, b"%PDF-", "application/pdf", ".pdf"),
    (0, b"\n%PDF-", "application/pdf", ".pdf"),
    (0, b"\xef\xbb\xbf%PDF-", "application/pdf", ".pdf"),
    (0, b"%FDF", "application/vnd.fdf", ".fdf"),
    (0, b"%!PS-Adobe-", "application/postscript", ".ps"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", ".7z"),
    (0, b"\x1f\x8b", "application/gzip", ".gz"),
    (0, b"Rar!\x1a\x07\x00", "application/vnd.rar", ".rar"),
    (0, b"Rar!\x1a\x07\x01\x00", "application/vnd.rar", ".rar"),
    (0, b"\xfd7zXZ\x00", "application/x-xz", ".xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd", ".zst"),
    (0, b"!<arch>\ndebian-binary", "application/vnd.debian.binary-package", ".deb"),
    (0, b"!<arch>\n", "application/x-archive", ".a"),
    (0, b"MSCF\x00\x00\x00\x00", "application/vnd.ms-cab-compressed", ".cab"),
    (0, b"\xed\xab\xee\xdb", "application/x-rpm", ".rpm"),
    (0, b"fLaC\x00\x00\x00", "audio/flac", ".flac"),
    (0, b"fLaC", "audio/flac", ".flac"),
    (0, b"ID3", "audio/mpeg", ".mp3"),
    (0, b"MThd", "audio/midi", ".midi"),
    (0, b".snd\x00", "audio/basic", ".au"),
    (0, b"#!AMR", "audio/amr", ".amr"),
    (0, b"FLV\x01", "video/x-flv", ".flv"),
    (0, b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel", "video/x-ms-asf", ".asf"),
    (0, b"OTTO\x00", "font/otf", ".otf"),
    (0, b"ttcf", "font/collection", ".ttc"),
    (0, b"wOFF", "font/woff", ".woff"),
    (0, b"wOF2", "font/woff2", ".woff2"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3", ".sqlite"),
    (0, b"\x00asm", "application/wasm", ".wasm"),
    (0, b"\x7fELF", "application/x-elf", ""),
    (0, b"\xca\xfe\xba\xbe", "application/x-java-applet", ".class"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary", ".macho"),
    (0, b"Cr24", "application/x-chrome-extension", ".crx"),
    (0, b"glTF\x02\x00\x00\x00", "model/gltf-binary", ".glb"),
    (0, b"PAR1", "application/vnd.apache.parquet", ".parquet"),
    (0, b"d8:announce", "application/x-bittorrent", ".torrent"),
    (128, b"DICM", "application/dicom", ".dcm"),
)

# So short and printable that ordinary text may begin with them; believed only where the rest is no text.
_SHORT_PRINTABLE: tuple[tuple[bytes, str, str], ...] = (
    (b"BM", "image/bmp", ".bmp"),
    (b"BZh", "application/x-bzip2", ".bz2"),
    (b"MZ", "application/vnd.microsoft.portable-executable", ".exe"),
    (b"CWS", "application/x-shockwave-flash", ".swf"),
    (b"FWS", "application/x-shockwave-flash", ".swf"),
)

_OOXML = "application/vnd.openxmlformats-officedocument."
_OOXML_KINDS = (
    (b"word/", f"{_OOXML}wordprocessingml.document", ".docx"),
    (b"xl/", f"{_OOXML}spreadsheetml.sheet", ".xlsx"),
    (b"ppt/", f"{_OOXML}presentationml.presentation", ".pptx"),
)
# A container of Office names these first; a plain zip that merely holds a folder "word/" does not.
_OOXML_FIRST = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"customXml/", b"[trash]/")
_ODF_EXTENSIONS = {
    "text": ".odt",
    "spreadsheet": ".ods",
    "presentation": ".odp",
    "graphics": ".odg",
    "formula": ".odf",
    "chart": ".odc",
}

_BRANDS: dict[bytes, tuple[str, str]] = {
    **dict.fromkeys([b"avif", b"avis"], ("image/avif", ".avif")),
    **dict.fromkeys([b"heic", b"heix"], ("image/heic", ".heic")),
    **dict.fromkeys([b"hevc", b"hevx"], ("image/heic-sequence", ".heic")),
    **dict.fromkeys([b"mif1", b"heim", b"heis", b"avic"], ("image/heif", ".heif")),
    **dict.fromkeys([b"msf1", b"hevm", b"hevs", b"avcs"], ("image/heif-sequence", ".heif")),
    **dict.fromkeys([b"qt  ", b"mqt "], ("video/quicktime", ".mov")),
    b"M4A ": ("audio/x-m4a", ".m4a"),
    **dict.fromkeys([b"F4A ", b"F4B ", b"M4B ", b"M4P "], ("audio/mp4", ".mp4")),
    **dict.fromkeys([b"M4V ", b"M4VH", b"M4VP"], ("video/x-m4v", ".m4v")),
    b"crx ": ("image/x-canon-cr3", ".cr3"),
    b"mj2s": ("video/mj2", ".mj2"),
}

_RIFF_KINDS = {
    b"WEBP": ("image/webp", ".webp"),
    b"AVI ": ("video/x-msvideo", ".avi"),
    b"WAVE": ("audio/wav", ".wav"),
}

_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The stream that each application names its document; directory entries are UTF-16.
_OLE_STREAMS = (
    ("WordDocument", "application/msword", ".doc"),
    ("Workbook", "application/vnd.ms-excel", ".xls"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint", ".ppt"),
)
# What stands in the first sector after the header when the directory lies behind the bytes that are looked at.
_OLE_SUBHEADERS = (
    (b"\xec\xa5\xc1\x00", "application/msword", ".doc"),
    (b"\x09\x08\x10\x00\x00\x06\x05\x00", "application/vnd.ms-excel", ".xls"),
    (b"\xa0\x46\x1d\xf0", "application/vnd.ms-powerpoint", ".ppt"),
    (b"\x00\x6e\x1e\xf0", "application/vnd.ms-powerpoint", ".ppt"),
    (b"\x0f\x00\xe8\x03", "application/vnd.ms-powerpoint", ".ppt"),
)


def detect_binary(head: bytes, *, is_text: bool) -> ContentType | None:
    """The binary format whose signature ``head`` has, or None.

    Args:
        head: the beginning of the content.
        is_text: whether it has no binary control bytes.
    """
    for container in _CONTAINERS:
        found = container(head)
        if found is not None:
            return ContentType(*found)
    for offset, magic, name, extension in _FIXED:
        if head.startswith(magic, offset):
            return ContentType(name, extension)
    if not is_text:
        for magic, name, extension in _SHORT_PRINTABLE:
            if head.startswith(magic):
                return ContentType(name, extension)
    return None


_Found = tuple[str, str] | None


def _png(head: bytes) -> _Found:
    if not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    # The first chunk (IHDR) has a fixed length, so the type of the second one has a fixed place.
    return ("image/apng", ".apng") if head[37:41] == b"acTL" else ("image/png", ".png")


def _riff(head: bytes) -> _Found:
    return _RIFF_KINDS.get(head[8:12]) if head.startswith(b"RIFF") else None


def _iff(head: bytes) -> _Found:
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return ("audio/aiff", ".aiff")
    return ("image/vnd.djvu", ".djvu") if head.startswith(b"AT&TFORM") and head[12:15] == b"DJV" else None


def _iso_media(head: bytes) -> _Found:
    box = head[4:8]
    if box != b"ftyp":
        # QuickTime files from before the brand box begin with one of these.
        return ("video/quicktime", ".mov") if box in (b"moov", b"mdat", b"pnot") and head[:1] == b"\x00" else None
    brand = head[8:12]
    if brand in _BRANDS:
        return _BRANDS[brand]
    if brand.startswith(b"3gp"):
        return ("video/3gpp", ".3gp")
    return ("video/3gpp2", ".3g2") if brand.startswith(b"3g2") else ("video/mp4", ".mp4")


def _jpeg2000(head: bytes) -> _Found:
    if not head.startswith(b"\x00\x00\x00\x0cjP  \r\n\x87\n"):
        return None
    return {b"jpx ": ("image/jpx", ".jpf"), b"jpm ": ("image/jpm", ".jpm")}.get(head[20:24], ("image/jp2", ".jp2"))


def _matroska(head: bytes) -> _Found:
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    at = head.find(b"\x42\x82")  # the DocType element: id, one length byte, text
    doctype = head[at + 3 : at + 11] if at >= 0 else b""
    return ("video/webm", ".webm") if doctype.startswith(b"webm") else ("video/matroska", ".mkv")


def _ogg(head: bytes) -> _Found:
    if not head.startswith(b"OggS"):
        return None
    codec = head[28:37]
    if codec.startswith((b"\x7fFLAC", b"\x01vorbis", b"OpusHead", b"Speex   ")):
        return ("audio/ogg", ".oga")
    if codec.startswith((b"\x80theora", b"fishead\x00", b"\x01video\x00\x00\x00")):
        return ("video/ogg", ".ogv")
    return ("application/ogg", ".ogg")


def _mpeg(head: bytes) -> _Found:
    if head[:3] == b"\x00\x00\x01" and head[3:4] and 0xB0 <= head[3] <= 0xBF:
        return ("video/mpeg", ".mpeg")
    if head[:2] in (b"\xff\xf1", b"\xff\xf9"):
        return ("audio/aac", ".aac")
    return ("audio/mpeg", ".mp3") if head[:2] in (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2") else None


def _zip(head: bytes) -> _Found:
    if not head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return None
    names = [_zip_entry_name(head, match.start()) for match in re.finditer(rb"PK\x03\x04", head)]
    if names and names[0] == b"mimetype":
        # ODF and EPUB store their type uncompressed as the first entry.
        declared = head[38:120]
        if declared.startswith(b"application/epub+zip"):
            return ("application/epub+zip", ".epub")
        match = re.match(rb"application/(?:x-)?vnd\.oasis\.opendocument\.([a-z]+)", declared)
        if match and (kind := match[1].decode("ascii")) in _ODF_EXTENSIONS:
            return (f"application/vnd.oasis.opendocument.{kind}", _ODF_EXTENSIONS[kind])
    if names and names[0].startswith((*_OOXML_FIRST, *(prefix for prefix, _, _ in _OOXML_KINDS))):
        for prefix, name, extension in _OOXML_KINDS:
            if any(entry.startswith(prefix) for entry in names):
                return (name, extension)
    if any(entry in (b"AndroidManifest.xml", b"classes.dex", b"resources.arsc") for entry in names):
        return ("application/vnd.android.package-archive", ".apk")
    if names and names[0].startswith(b"META-INF/"):
        return ("application/java-archive", ".jar")
    return ("application/zip", ".zip")


def _zip_entry_name(head: bytes, at: int) -> bytes:
    length = int.from_bytes(head[at + 26 : at + 28], "little")
    return head[at + 30 : at + 30 + length]


def _tar(head: bytes) -> _Found:
    if len(head) < 512:
        return None
    if head[257:262] == b"ustar":
        return ("application/x-tar", ".tar")
    # Archives from before POSIX have no mark, but the header's checksum is as good as one.
    try:
        stated = int(head[148:156].rstrip(b" \x00").lstrip(b" ") or b"x", 8)
    except ValueError:
        return None
    actual = sum(head[:148]) + 8 * 32 + sum(head[156:512])
    return ("application/x-tar", ".tar") if stated == actual else None


def _ole(head: bytes) -> _Found:
    if not head.startswith(_OLE_MAGIC):
        return None
    for stream, name, extension in _OLE_STREAMS:
        if stream.encode("utf-16-le") in head:
            return (name, extension)
    for magic, name, extension in _OLE_SUBHEADERS:
        if head.startswith(magic, 512):
            return (name, extension)
    return ("application/x-ole-storage", "")


def _truetype(head: bytes) -> _Found:
    if head.startswith(b"\x00\x01\x00\x00Standard "):
        return ("application/x-msaccess", ".mdb")
    return ("font/ttf", ".ttf") if head.startswith(b"\x00\x01\x00\x00\x00") or head[:5] == b"true\x00" else None


_CONTAINERS: tuple[Callable[[bytes], _Found], ...] = (
    _png,
    _riff,
    _iff,
    _iso_media,
    _jpeg2000,
    _matroska,
    _ogg,
    _zip,
    _ole,
    _tar,
    _truetype,
    _mpeg,
)
