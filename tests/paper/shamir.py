# Another reader and writer of the chapter `formats`, section 8: Shamir over GF(2^8) in Python, by tables of logarithms.
import hashlib
import hmac
import sys

WORDS = open(sys.argv[1]).read().split()
EXP, LOG = [0] * 510, [0] * 256
value = 1
for power in range(255):
    EXP[power] = EXP[power + 255] = value
    LOG[value] = power
    value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)  # times 3
    value &= 0xFF


def mul(a, b):
    return EXP[LOG[a] + LOG[b]] if a and b else 0


def div(a, b):
    return EXP[LOG[a] + 255 - LOG[b]] if a else 0


def seed_id(seed):
    key = hmac.digest(bytes(32), seed, "sha256")
    return hmac.digest(key, b"certferry/1|seed-id\x01", "sha256")[:8].hex()


def checksum(share):
    return hashlib.sha256(b"certferry-share-" + share).digest()[:4]


def read(words):
    number = 0
    for word in words:
        number = number << 11 | WORDS.index(word)
    share = number.to_bytes(43, "big")
    assert checksum(share[:39]) == share[39:] and share[0] == 1
    return share[1:5], share[5], share[6], share[7:39]


def write(share):
    number = int.from_bytes(share + checksum(share), "big")
    return " ".join(WORDS[number >> 11 * place & 2047] for place in range(30, -1, -1))


command, lines = sys.argv[2], [line.split() for line in sys.stdin]
if command == "combine":
    shares = [read(words) for words in lines]
    sets = {(share[0], share[1]) for share in shares}
    assert len(sets) == 1 and len(shares) == shares[0][1]
    seed = bytearray(32)
    for at in range(32):
        for _, _, x, y in shares:
            factor = y[at]
            for _, _, other, _ in shares:
                if other != x:
                    factor = mul(factor, div(other, other ^ x))
            seed[at] ^= factor
    print(bytes(seed).hex(), seed_id(bytes(seed)))
elif command == "split":
    # Lines: the seed in hex; then the coefficients of each power, lowest first. Then the numbers of the shares are arguments.
    polynomial = [bytes.fromhex(line[0]) for line in lines]
    for x in map(int, sys.argv[3:]):
        y = bytearray(32)
        for at in range(32):
            for coefficients in reversed(polynomial):
                y[at] = mul(y[at], x) ^ coefficients[at]
        print(write(bytes([1, 0xC0, 0xFF, 0xEE, 0x00, len(polynomial), x]) + bytes(y)))
