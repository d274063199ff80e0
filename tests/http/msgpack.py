"""As much of MessagePack as the daemon's frames need."""

import struct


def pack(value):
    out = bytearray()
    _pack(out, value)
    return bytes(out)


def _head(out, length, fix, fix_limit, codes):
    """The head of a text, array or map: @codes are those for 8, 16 and 32 bits of length, 0 for none."""
    if length < fix_limit:
        out.append(fix | length)
    elif codes[0] and length < 1 << 8:
        out += struct.pack(">BB", codes[0], length)
    elif length < 1 << 16:
        out += struct.pack(">BH", codes[1], length)
    else:
        out += struct.pack(">BI", codes[2], length)


def _pack(out, value):
    if value is None:
        out.append(0xC0)
    elif isinstance(value, bool):
        out.append(0xC3 if value else 0xC2)
    elif isinstance(value, int):
        if 0 <= value < 128:
            out.append(value)
        elif value >= 0:
            out += struct.pack(">BQ", 0xCF, value)
        else:
            out += struct.pack(">Bq", 0xD3, value)
    elif isinstance(value, float):
        out += struct.pack(">Bd", 0xCB, value)
    elif isinstance(value, str):
        text = value.encode()
        _head(out, len(text), 0xA0, 32, (0xD9, 0xDA, 0xDB))
        out += text
    elif isinstance(value, (list, tuple)):
        _head(out, len(value), 0x90, 16, (0, 0xDC, 0xDD))
        for item in value:
            _pack(out, item)
    elif isinstance(value, dict):
        _head(out, len(value), 0x80, 16, (0, 0xDE, 0xDF))
        for key, item in value.items():
            _pack(out, key)
            _pack(out, item)
    else:
        raise TypeError(type(value))


def unpack(data):
    value, end = _unpack(data, 0)
    if end != len(data):
        raise ValueError("bytes behind the value")
    return value


_NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
            0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
_TEXTS = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_ARRAYS = {0xDC: ">H", 0xDD: ">I"}
_MAPS = {0xDE: ">H", 0xDF: ">I"}
_PLAIN = {0xC0: None, 0xC2: False, 0xC3: True}


def _number(data, at, form):
    return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)


def _unpack(data, at):
    code = data[at]
    at += 1
    if code < 0x80:
        return code, at
    if code >= 0xE0:
        return code - 256, at
    if code in _PLAIN:
        return _PLAIN[code], at
    if code in _NUMBERS:
        return _number(data, at, _NUMBERS[code])
    if code < 0x90:
        return _map(data, at, code & 15)
    if code < 0xA0:
        return _array(data, at, code & 15)
    if code < 0xC0:
        return data[at:at + (code & 31)].decode(), at + (code & 31)
    for table, read in ((_TEXTS, _text), (_ARRAYS, _array), (_MAPS, _map)):
        if code in table:
            length, at = _number(data, at, table[code])
            return read(data, at, length)
    raise ValueError(f"code {code:#x}")


def _text(data, at, length):
    return data[at:at + length].decode(), at + length


def _array(data, at, length):
    items = []
    for _ in range(length):
        item, at = _unpack(data, at)
        items.append(item)
    return items, at


def _map(data, at, length):
    items = {}
    for _ in range(length):
        key, at = _unpack(data, at)
        items[key], at = _unpack(data, at)
    return items, at
