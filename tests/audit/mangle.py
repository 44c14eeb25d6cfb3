"""The mangling table: everything that can be done to a true statement, and the name by which it is refused.

One record for each way. A way that is many shots (every byte, every instance) has one name for all of them. Where a kind of
verifier is not in `refused`, the way makes no sense for it, or is not refused: then it is in `VARIANTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from eth_abi.abi import encode
from eth_account import Account

from bridge.core.commitment import domain, input_commitment, packed
from bridge.core.field import MODULUS
from bridge.core.panel import packed_signatures, statement_digest
from bridge.core.word import WORD_BYTES, Address, Hex32, hex32, keccak256, to_bytes
from tests.audit.arena import Case, Kind, Model, Shot

BASE_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
"""Of the coordinates of points; `MODULUS` is that of instances and evaluations."""

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1, where signatures live."""

INVERTED, LOWEST_BIT = 0xFF, 0x01

ALL = tuple(Kind)
PROVEN = (Kind.PLAIN, Kind.CARRIED, Kind.STORED)

Change = Callable[[Case], Iterable[Shot]]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to mangle, and the name by which each kind of verifier refuses it."""

    name: str
    change: Change
    refused: Mapping[Kind, str]


@dataclass(frozen=True, slots=True)
class Variant:
    """Another proof of the same statement: accepted, and of the same record."""

    name: str
    change: Change
    kinds: tuple[Kind, ...]


def by(error: str, *kinds: Kind) -> Mapping[Kind, str]:
    """One name, whatever the kind, or for these kinds."""
    return dict.fromkeys(kinds or ALL, error)


def proof_or_signature() -> Mapping[Kind, str]:
    """What neither the prover nor the panel has ever said."""
    return {**by("InvalidProof", *PROVEN), Kind.SIGNED: "SignatureRefused"}


# The bytes of the proof


def bodies(bodies_of: Callable[[Case, bytes], Iterable[tuple[str, bytes]]]) -> Change:
    """Another proof in the place of the true one; a carried artifact stays behind it."""

    def change(case: Case) -> Iterator[Shot]:
        for note, body in bodies_of(case, case.body):
            assert body != case.body, note
            yield case.shot(case.claim(case.words, body=body), note)

    return change


def flipped(raw: bytes, mask: int, places: Iterable[int] | None = None) -> Iterator[tuple[str, bytes]]:
    """Each of the bytes, one at a time."""
    for at in range(len(raw)) if places is None else places:
        changed = bytearray(raw)
        changed[at] ^= mask
        yield f"byte {at}", bytes(changed)


def each_word(change: Callable[[int], int]) -> Callable[[Case, bytes], Iterator[tuple[str, bytes]]]:
    """Each word of the proof, one at a time, where the change leaves it a word and does change it."""

    def bodies_of(_case: Case, body: bytes) -> Iterator[tuple[str, bytes]]:
        for at in range(0, len(body), WORD_BYTES):
            word = int.from_bytes(body[at : at + WORD_BYTES], "big")
            changed = change(word)
            if changed != word and changed < 2**256:
                yield f"word {at // WORD_BYTES}", body[:at] + packed([changed]) + body[at + WORD_BYTES :]

    return bodies_of


def swapped_words(_case: Case, body: bytes) -> Iterator[tuple[str, bytes]]:
    for at in range(0, len(body) - WORD_BYTES, WORD_BYTES):
        first, second, end = (
            body[at : at + WORD_BYTES],
            body[at + WORD_BYTES : at + 2 * WORD_BYTES],
            at + 2 * WORD_BYTES,
        )
        if first != second:
            yield f"words {at // WORD_BYTES} and {at // WORD_BYTES + 1}", body[:at] + second + first + body[end:]


PROOF = (
    Mutation(
        "every byte of the proof inverted",
        bodies(lambda _, body: flipped(body, INVERTED)),
        by("InvalidProof", Kind.PLAIN, Kind.CARRIED),
    ),
    Mutation(
        "the lowest bit of every byte of the proof flipped",
        bodies(lambda _, body: flipped(body, LOWEST_BIT)),
        by("InvalidProof", Kind.PLAIN, Kind.STORED),
    ),
    Mutation(
        "every word of the proof raised by the order of the field",
        bodies(each_word(lambda word: word + MODULUS)),
        by("InvalidProof", *PROVEN),
    ),
    Mutation(
        "every word of the proof raised by the order of the base field",
        bodies(each_word(lambda word: word + BASE_FIELD)),
        by("InvalidProof", *PROVEN),
    ),
    Mutation(
        "every word of the proof negated, as the other point with that x",
        bodies(each_word(lambda word: BASE_FIELD - word if word <= BASE_FIELD else word)),
        by("InvalidProof", *PROVEN),
    ),
    Mutation("every word of the proof zero", bodies(each_word(lambda _: 0)), by("InvalidProof", *PROVEN)),
    Mutation("every two neighbouring words of the proof swapped", bodies(swapped_words), by("InvalidProof", *PROVEN)),
    Mutation(
        "a proof of zeros, as many as there are bytes",
        bodies(lambda _, body: [("zeros", bytes(len(body)))]),
        {**by("InvalidProof", *PROVEN), Kind.SIGNED: "SignatureRefused"},
    ),
    Mutation(
        "no proof at all",
        bodies(lambda _case, _body: [("empty", b"")]),
        {**by("InvalidProof", *PROVEN), Kind.SIGNED: "TooFewSignatures"},
    ),
    Mutation(
        "the proof without its last byte, its last word, its second half",
        bodies(
            lambda _, body: [
                ("a byte", body[:-1]),
                ("a word", body[:-WORD_BYTES]),
                ("half", body[: len(body) // 2 // WORD_BYTES * WORD_BYTES]),
            ]
        ),
        {**by("InvalidProof", *PROVEN), Kind.SIGNED: "MalformedSignatures"},
    ),
    Mutation(
        "the proof without its first word",
        bodies(lambda _, body: [("a word", body[WORD_BYTES:])]),
        by("InvalidProof", *PROVEN),
    ),
    Mutation(
        "a byte after the proof",
        bodies(lambda _, body: [("zero", body + b"\0"), ("one", body + b"\1")]),
        {**by("InvalidProof", *PROVEN), Kind.SIGNED: "MalformedSignatures"},
    ),
    Mutation(
        "a word after the proof",
        bodies(
            lambda _, body: [("zeros", body + bytes(WORD_BYTES)), ("the last once more", body + body[-WORD_BYTES:])]
        ),
        by("InvalidProof", Kind.PLAIN),
    ),
    Mutation(
        "a word in front of the proof",
        bodies(lambda _, body: [("zeros", bytes(WORD_BYTES) + body)]),
        {**by("InvalidProof", *PROVEN), Kind.SIGNED: "SignatureRefused"},
    ),
    Mutation(
        "the proof twice",
        bodies(lambda _, body: [("twice", body + body)]),
        {Kind.PLAIN: "InvalidProof", Kind.SIGNED: "PositionRefused"},
    ),
    Mutation(
        "the proof of another input of this model",
        bodies(lambda case, _: [("another row", to_bytes(case.other_row.proof))]),
        proof_or_signature(),
    ),
    Mutation(
        "the proof of another model",
        bodies(lambda case, _: [("another model", to_bytes(case.other_proof.proof))]),
        proof_or_signature(),
    ),
)


# The instances


def inside(words_of: Callable[[Case, list[int]], Iterable[tuple[str, list[int]]]]) -> Change:
    """Other instances beside the honest proof: under the honest commitment and output, and under those made to fit."""

    def change(case: Case) -> Iterator[Shot]:
        for note, words in words_of(case, case.words):
            assert words != case.words, note
            restated = case.claim(words)
            yield case.shot(replace(case.honest, proof=restated.proof), note)
            yield case.shot(restated, f"{note}, restated")

    return change


def each(change: Callable[[int], int]) -> Callable[[Case, list[int]], Iterator[tuple[str, list[int]]]]:
    """Each instance, one at a time."""

    def words_of(_case: Case, words: list[int]) -> Iterator[tuple[str, list[int]]]:
        for at, word in enumerate(words):
            yield f"instance {at}", [*words[:at], change(word), *words[at + 1 :]]

    return words_of


def exchanged(_case: Case, words: list[int]) -> Iterator[tuple[str, list[int]]]:
    for low in range(len(words)):
        for high in range(low + 1, len(words)):
            changed = list(words)
            changed[low], changed[high] = words[high], words[low]
            yield f"instances {low} and {high}", changed


def inverted_bytes(*, in_field: bool) -> Callable[[Case, list[int]], Iterator[tuple[str, list[int]]]]:
    """Every byte of every instance, for those that leave field elements, or for the others."""

    def words_of(_case: Case, words: list[int]) -> Iterator[tuple[str, list[int]]]:
        for note, raw in flipped(packed(words), INVERTED):
            changed = [int.from_bytes(raw[at : at + WORD_BYTES], "big") for at in range(0, len(raw), WORD_BYTES)]
            if all(word < MODULUS for word in changed) == in_field:
                yield note, changed

    return words_of


INSTANCES = (
    Mutation("every instance one more", inside(each(lambda word: (word + 1) % MODULUS)), proof_or_signature()),
    Mutation("every instance one less", inside(each(lambda word: (word - 1) % MODULUS)), proof_or_signature()),
    Mutation("every instance negated", inside(each(lambda word: -word % MODULUS)), proof_or_signature()),
    Mutation("every instance zero", inside(each(lambda _: 0)), proof_or_signature()),
    Mutation(
        "every instance raised by the order of the field",
        inside(each(lambda word: word + MODULUS)),
        by("InstanceOutOfField"),
    ),
    Mutation(
        "every instance the order of the field, and the largest word",
        lambda case: (shot for word in (MODULUS, 2**256 - 1) for shot in inside(each(lambda _, word=word: word))(case)),
        by("InstanceOutOfField"),
    ),
    Mutation(
        "every byte of the instances inverted, where field elements remain",
        inside(inverted_bytes(in_field=True)),
        proof_or_signature(),
    ),
    Mutation(
        "every byte of the instances inverted, where none remain",
        inside(inverted_bytes(in_field=False)),
        by("InstanceOutOfField"),
    ),
    Mutation("every two instances swapped", inside(exchanged), proof_or_signature()),
    Mutation(
        "every instance left out",
        inside(lambda _, words: [(f"instance {at}", words[:at] + words[at + 1 :]) for at in range(len(words))]),
        by("InstanceCountMismatch"),
    ),
    Mutation("no instances at all", inside(lambda _case, _words: [("none", [])]), by("InstanceCountMismatch")),
    Mutation(
        "an instance more, in front or behind",
        inside(
            lambda _, words: [
                ("a zero behind", [*words, 0]),
                ("a zero in front", [0, *words]),
                ("the last once more", [*words, words[-1]]),
                ("all twice", words + words),
            ]
        ),
        by("InstanceCountMismatch"),
    ),
    Mutation(
        "the instances of another input of this model",
        inside(lambda case, _: [("another row", list(case.other_row.words))]),
        proof_or_signature(),
    ),
    Mutation(
        "the instances of another model",
        inside(lambda case, _: [("another model", list(case.other_proof.words))]),
        proof_or_signature(),
    ),
)


# What is said beside the proof


def stated(**changes: Callable[[Case], Iterable[tuple[str, object]]]) -> Change:
    """Another commitment, output or id, with the honest proof and its instances."""
    ((part, values_of),) = changes.items()

    def change(case: Case) -> Iterator[Shot]:
        for note, value in values_of(case):
            assert value != getattr(case.honest, part), note
            yield case.shot(replace(case.honest, **{part: value}), note)

    return change


def flipped_word(word: Hex32) -> Iterator[tuple[str, Hex32]]:
    return ((note, hex32(raw)) for note, raw in flipped(to_bytes(word), INVERTED))


def other_commitments(case: Case) -> Iterator[tuple[str, Hex32]]:
    chain, gateway, inputs = case.here.rpc.chain_id, case.here.ledger.address, case.words[: case.inputs]
    here = domain(chain, gateway)
    yield "of the next chain", input_commitment(domain(chain + 1, gateway), inputs)
    yield "of another gateway", input_commitment(domain(chain, case.here.registry.address), inputs)
    yield "of no gateway", input_commitment(hex32(0), inputs)
    yield "without a domain", hex32(keccak256(packed(inputs)))
    yield "of no input", input_commitment(here, [])
    yield "of the input in another order", input_commitment(here, inputs[::-1])
    yield "of another input", input_commitment(here, case.other_row.words[: case.inputs])
    yield "of input and output", input_commitment(here, case.words)
    yield "zero", hex32(0)


def other_outputs(case: Case) -> Iterator[tuple[str, bytes]]:
    output, words = case.honest.output, case.words[case.inputs :]
    yield "a word less", output[:-WORD_BYTES]
    yield "without the first word", output[WORD_BYTES:]
    yield "a byte less", output[:-1]
    yield "none", b""
    yield "a word more", output + bytes(WORD_BYTES)
    yield "a byte more", output + b"\0"
    yield "the words swapped", packed(words[::-1])
    yield "with the last input in front", packed(case.words[case.inputs - 1 :])
    yield "with the input in front", packed(case.words)
    yield "of another input", packed(case.other_row.words[case.inputs :])
    yield "an alias in the field", packed([words[0] + MODULUS, *words[1:]])
    yield "as ABI bytes", encode(["bytes"], [output])


STATEMENT = (
    Mutation(
        "every byte of the model id inverted",
        stated(model_id=lambda case: flipped_word(case.model.id)),
        by("ModelNotFound"),
    ),
    Mutation(
        "every byte of the input commitment inverted",
        stated(input_commitment=lambda case: flipped_word(case.honest.input_commitment)),
        by("InputCommitmentMismatch"),
    ),
    Mutation("another input commitment", stated(input_commitment=other_commitments), by("InputCommitmentMismatch")),
    Mutation(
        "every byte of the output inverted",
        stated(output=lambda case: flipped(case.honest.output, INVERTED)),
        by("OutputMismatch"),
    ),
    Mutation("another output", stated(output=other_outputs), by("OutputMismatch")),
    Mutation(
        "an output told as an input, and an input told as an output",
        lambda case: (
            case.shot(case.claim(case.words, split=split), f"{split} of the instances told as the input")
            for split in range(len(case.words) + 1)
            if split != case.inputs
        ),
        by("InputCommitmentMismatch"),
    ),
)


# The encoding of instances and proof


def encoded(blobs_of: Callable[[Case, bytes, int, bytes], Iterable[tuple[str, bytes]]]) -> Change:
    """Another encoding; given to its maker are the honest one, where the proof starts in it, and the proof."""

    def change(case: Case) -> Iterator[Shot]:
        blob = case.honest.proof
        start = 0x60 + WORD_BYTES * len(case.words)
        size = int.from_bytes(blob[start : start + WORD_BYTES], "big")
        proof = blob[start + WORD_BYTES : start + WORD_BYTES + size]
        for note, other in blobs_of(case, blob, start, proof):
            assert other != blob, note
            yield case.shot(replace(case.honest, proof=other), note)

    return change


def with_word(blob: bytes, at: int, word: int) -> bytes:
    return blob[:at] + packed([word]) + blob[at + WORD_BYTES :]


def inverted_head(_case: Case, blob: bytes, start: int, _proof: bytes) -> Iterator[tuple[str, bytes]]:
    for word in (0, WORD_BYTES, 2 * WORD_BYTES, start):
        yield from flipped(blob, INVERTED, range(word, word + WORD_BYTES))


def other_numbers(_case: Case, blob: bytes, start: int, proof: bytes) -> Iterator[tuple[str, bytes]]:
    """Offsets and lengths that lead elsewhere, wrap around, or end in the padding."""
    size, count = len(proof), (start - 0x60) // WORD_BYTES
    for word, numbers in {
        0: (0, 0x20, 0x60, 2**255, 2**256 - 0x20),
        0x20: (0, start - WORD_BYTES, start + WORD_BYTES, len(blob), 2**255, 2**256 - 0x20),
        0x40: (0, count - 1, count + 1, 2**251, 2**251 + count, 2**255, 2**256 - 1),
        start: (0, size - 31, size + 32, len(blob), 2**255, 2**256 - 1, 2**256 - 31),
    }.items():
        for number in numbers:
            yield f"{number:#x} at {word:#x}", with_word(blob, word, number)


def other_layouts(case: Case, blob: bytes, start: int, proof: bytes) -> Iterator[tuple[str, bytes]]:
    """The same values as Solidity's own decoder reads them, laid out in another way."""
    words, tail = blob[0x40:start], blob[start:]
    yield "the proof in front", packed([0x40 + len(tail), 0x40]) + tail + words
    yield "a word between the parts", packed([0x40, start + 32]) + words + bytes(32) + tail
    yield "a word in front of the parts", packed([0x60, start + 32]) + bytes(32) + words + tail
    yield "the offsets once more in front", packed([0x60, start + 32, 0x40]) + words + tail
    yield "as one tuple", packed([0x20]) + blob
    yield "the proof alone", proof
    yield "packed", packed(case.words) + proof
    yield "proof before instances", encode(["bytes", "uint256[]"], [proof, case.words])


ENCODING = (
    Mutation("every byte of offsets and lengths inverted", encoded(inverted_head), by("MalformedProof")),
    Mutation("other offsets and lengths", encoded(other_numbers), by("MalformedProof")),
    Mutation("another layout of the same values", encoded(other_layouts), by("MalformedProof")),
    Mutation(
        "the encoding cut",
        encoded(
            lambda _case, blob, start, _proof: [
                *(
                    (f"to {size} bytes", blob[:size])
                    for size in (0, 1, 31, 32, 0x40, 0x60, 0x7F, 0x80, start, start + 32)
                ),
                *((f"by {size} bytes", blob[:-size]) for size in (1, 31, 32, 33)),
            ]
        ),
        by("MalformedProof"),
    ),
    Mutation(
        "bytes after the encoding",
        encoded(
            lambda _case, blob, _start, _proof: [
                *((f"{size} zeros", blob + bytes(size)) for size in (1, 31, 32, 64)),
                ("a word of ones", blob + b"\xff" * 32),
                ("itself", blob + blob),
            ]
        ),
        by("MalformedProof"),
    ),
    Mutation(
        "every byte of the padding set",
        encoded(lambda _case, blob, start, proof: flipped(blob, LOWEST_BIT, range(start + 32 + len(proof), len(blob)))),
        by("MalformedProof", Kind.SIGNED),
    ),
)


# Another place


PLACE = (
    Mutation(
        "a true statement of this chain, on another",
        lambda case: [case.shot(case.honest, core=case.there)],
        {**by("InputCommitmentMismatch", *PROVEN), Kind.SIGNED: "SignatureRefused"},
    ),
    Mutation(
        "proven for the other chain, committed for this one",
        lambda case: [
            case.shot(
                replace(case.honest_at(case.there), input_commitment=case.honest.input_commitment), core=case.there
            )
        ],
        by("InputCommitmentMismatch"),
    ),
    Mutation(
        "a true statement of this gateway, at another one",
        lambda case: [case.shot(case.honest, core=case.beside)],
        by("InputCommitmentMismatch"),
    ),
    Mutation(
        "a true statement of another gateway, at this one",
        lambda case: [case.shot(case.honest_at(case.beside))],
        by("InputCommitmentMismatch"),
    ),
)


# Another model, or one that is not accepted any more


def about(model_of: Callable[[Case], Model]) -> Change:
    """What would be true of another model with the same circuit and key."""
    return lambda case: [case.shot(case.claim_of(model_of(case)))]


MODEL = (
    Mutation(
        "the id of another model",
        stated(model_id=lambda case: [("another model", case.other.id)]),
        {
            Kind.PLAIN: "InvalidProof",
            Kind.CARRIED: "VkaMissing",
            Kind.STORED: "InvalidProof",
            Kind.SIGNED: "SignatureRefused",
        },
    ),
    Mutation(
        "a true statement of another model, under the id of this one",
        lambda case: [
            case.shot(
                case.claim(
                    case.other_proof.words,
                    body=to_bytes(case.other_proof.proof),
                    artifact=_carried(case, case.other.vka),
                )
            )
        ],
        {
            Kind.PLAIN: "InvalidProof",
            Kind.CARRIED: "VkaMissing",
            Kind.STORED: "InvalidProof",
            Kind.SIGNED: "SignatureRefused",
        },
    ),
    Mutation(
        "a true statement of a model that is deprecated",
        about(lambda case: case.deprecated),
        by("VerificationRefused_ModelDeprecated"),
    ),
    Mutation(
        "a true statement of a model that is not bound",
        about(lambda case: case.unbound),
        by("ModelNotBound"),
    ),
    Mutation(
        "a true statement of a model that nobody has registered",
        about(lambda case: case.model.named("unregistered")),
        by("ModelNotFound"),
    ),
    Mutation(
        "a true statement of a model whose proof system has no verifier",
        about(lambda case: case.unsupported),
        by("UnsupportedProofSystem"),
    ),
    Mutation(
        "a true statement for a verifier that its guardian has stopped",
        lambda case: [case.shot(case.honest_at(case.stopped), core=case.stopped)],
        by("VerifierIsStopped"),
    ),
    Mutation(
        "a true statement of a model that was shown to contradict itself",
        about(lambda case: case.contradicted),
        by("ModelIsStopped", Kind.SIGNED),
    ),
)


# The artifact, where the proof carries it


def _carried(case: Case, vka: bytes) -> bytes:
    return vka if case.kind is Kind.CARRIED else b""


def artifacts(artifacts_of: Callable[[Case, bytes], Iterable[tuple[str, bytes]]]) -> Change:
    def change(case: Case) -> Iterator[Shot]:
        for note, artifact in artifacts_of(case, case.model.vka):
            assert artifact != case.model.vka, note
            yield case.shot(case.claim(case.words, artifact=artifact), note)

    return change


def other_artifacts(case: Case, vka: bytes) -> Iterator[tuple[str, bytes]]:
    yield "none", b""
    yield "of another model", case.other.vka
    yield "of the same circuit, for other decimals", case.other_vka
    yield "without its last word", vka[:-WORD_BYTES]
    yield "without its first word", vka[WORD_BYTES:]
    yield "with a word behind it", vka + bytes(WORD_BYTES)
    yield "with a byte behind it", vka + b"\0"
    yield "its first two words swapped", vka[32:64] + vka[:32] + vka[64:]


ARTIFACT = (
    Mutation(
        "every byte of the artifact inverted",
        artifacts(lambda _, vka: flipped(vka, INVERTED)),
        by("VkaMissing", Kind.CARRIED),
    ),
    Mutation("another artifact", artifacts(other_artifacts), by("VkaMissing", Kind.CARRIED)),
    Mutation(
        "the artifact in front of the proof",
        lambda case: [case.shot(case.claim(case.words, body=case.model.vka, artifact=case.body))],
        by("VkaMissing", Kind.CARRIED),
    ),
    Mutation(
        "the artifact with the length that its file starts with",
        artifacts(lambda _, vka: [("eight bytes", (len(vka) // WORD_BYTES).to_bytes(8, "little") + vka)]),
        by("InvalidProof", Kind.CARRIED),
    ),
)


# The signatures


def entries(case: Case) -> tuple[tuple[int, bytes], ...]:
    """The honest signatures with their positions."""
    assert case.model.signers is not None
    return tuple((at, case.model.signers.sign(at, digest_of(case))) for at in (0, 2))


def digest_of(
    case: Case,
    *,
    words: Sequence[int] | None = None,
    model_id: Hex32 | None = None,
    chain_id: int | None = None,
    verifier: Address | None = None,
) -> Hex32:
    return statement_digest(
        model_id or case.model.id,
        case.words if words is None else words,
        chain_id or case.here.rpc.chain_id,
        verifier or case.here.signed.address,
    )


def entry(position: int, signature: bytes) -> bytes:
    return packed_signatures({position: signature})


def places(of: Callable[[int], Iterable[int]]) -> Callable[[Case], list[int]]:
    """Positions in the proof, given where each of the entries starts."""

    def found(case: Case) -> list[int]:
        sizes = [len(entry(*one)) for one in entries(case)]
        return [start + at for start in (0, sizes[0]) for at in of(start)]

    return found


POSITION = places(lambda _: [0])
LENGTH = places(lambda _: [1, 2])
SIGNATURE = places(lambda _: range(3, 68))


def other_digests(case: Case) -> Iterator[tuple[str, Hex32]]:
    other_row = list(case.other_row.words)
    yield "for another chain", digest_of(case, chain_id=case.there.rpc.chain_id)
    yield "for another verifier", digest_of(case, verifier=case.stopped.signed.address)
    yield "for the gateway in place of the verifier", digest_of(case, verifier=case.here.ledger.address)
    yield "for another model", digest_of(case, model_id=case.other.id)
    yield "over another input", digest_of(case, words=other_row)
    yield "over another output", digest_of(case, words=[*case.words[: case.inputs], *other_row[case.inputs :]])
    yield "over the input alone", digest_of(case, words=case.words[: case.inputs])
    signed_as_text = keccak256(b"\x19Ethereum Signed Message:\n32" + to_bytes(digest_of(case)))
    yield "as a message and not as a statement", hex32(signed_as_text)


def other_spellings(case: Case) -> Iterator[tuple[str, bytes]]:
    """The first signature, as other verifiers would still take it."""
    (position, honest), (_, last) = entries(case)
    r, s, v = honest[:32], int.from_bytes(honest[32:64], "big"), honest[64]
    yield "the other s", entry(position, r + packed([CURVE_ORDER - s]) + bytes([55 - v])) + entry(2, last)
    yield "v from zero", entry(position, honest[:64] + bytes([v - 27])) + entry(2, last)
    compact = r + packed([s | (v - 27) << 255])
    yield "the compact form of ERC-2098", entry(position, compact) + entry(2, last)
    yield "a byte more", entry(position, honest + b"\0") + entry(2, last)
    yield "a byte less", entry(position, honest[:-1]) + entry(2, last)
    yield "empty", entry(position, b"") + entry(2, last)
    yield "zeros", entry(position, bytes(65)) + entry(2, last)


def other_seats(case: Case) -> Iterator[tuple[str, bytes]]:
    (_, first), (_, last) = entries(case)
    yield "exchanged", entry(0, last) + entry(2, first)
    yield "the last at the second position", entry(0, first) + entry(1, last)
    outsider = bytes(Account.unsafe_sign_hash(to_bytes(digest_of(case)), keccak256(b"outsider")).signature)
    yield "of somebody who is not on the panel", entry(0, outsider) + entry(2, last)
    yield "of somebody who is not on the panel, third", entry(0, first) + entry(1, outsider) + entry(2, last)


def other_orders(case: Case) -> Iterator[tuple[str, bytes]]:
    (_, first), (_, last) = entries(case)
    yield "the last first", entry(2, last) + entry(0, first)
    yield "the first twice", entry(0, first) + entry(0, first)
    yield "the last three times", entry(2, last) * 3
    yield "a position behind the panel", entry(0, first) + entry(3, last)
    yield "the last position there can be", entry(0, first) + entry(255, last)


SIGNATURES = (
    Mutation(
        "every byte of a position inverted",
        bodies(lambda case, body: flipped(body, INVERTED, POSITION(case))),
        by("PositionRefused", Kind.SIGNED),
    ),
    Mutation(
        "every byte of a length inverted",
        bodies(lambda case, body: flipped(body, INVERTED, LENGTH(case))),
        by("MalformedSignatures", Kind.SIGNED),
    ),
    Mutation(
        "every byte of a signature inverted",
        bodies(lambda case, body: flipped(body, INVERTED, SIGNATURE(case))),
        by("SignatureRefused", Kind.SIGNED),
    ),
    Mutation(
        "the lowest bit of every byte of a signature flipped",
        bodies(lambda case, body: flipped(body, LOWEST_BIT, SIGNATURE(case))),
        by("SignatureRefused", Kind.SIGNED),
    ),
    Mutation(
        "one signature where two are wanted",
        bodies(lambda case, _: [(f"that of position {at}", entry(at, one)) for at, one in entries(case)]),
        by("TooFewSignatures", Kind.SIGNED),
    ),
    Mutation(
        "true signatures of the panel over something else",
        bodies(lambda case, _: [(note, case.signatures(digest, (0, 2))) for note, digest in other_digests(case)]),
        by("SignatureRefused", Kind.SIGNED),
    ),
    Mutation(
        "another spelling of a true signature",
        bodies(lambda case, _: other_spellings(case)),
        by("SignatureRefused", Kind.SIGNED),
    ),
    Mutation(
        "signatures at positions that are not theirs",
        bodies(lambda case, _: other_seats(case)),
        by("SignatureRefused", Kind.SIGNED),
    ),
    Mutation(
        "positions that do not ascend within the panel",
        bodies(lambda case, _: other_orders(case)),
        by("PositionRefused", Kind.SIGNED),
    ),
    Mutation(
        "an array of signatures in place of the entries",
        bodies(lambda case, _: [("abi", encode(["bytes[]"], [[one for _, one in entries(case)]]))]),
        by("SignatureRefused", Kind.SIGNED),
    ),
)

TABLE = (*PROOF, *INSTANCES, *STATEMENT, *ENCODING, *PLACE, *MODEL, *ARTIFACT, *SIGNATURES)


# Other proofs of the same statement


def longer(case: Case) -> Iterator[tuple[str, bytes]]:
    yield "a word of zeros behind it", case.body + bytes(WORD_BYTES)
    yield "a word of ones behind it", case.body + b"\xff" * WORD_BYTES
    yield "a hundred words behind it", case.body + bytes(100 * WORD_BYTES)
    yield "itself behind it", case.body + case.body
    yield "the artifact behind it", case.body + case.model.vka


VARIANTS = (
    Variant(
        "the proof with whole words behind it, which the shared verifier ignores",
        bodies(lambda case, _: longer(case)),
        (Kind.CARRIED, Kind.STORED),
    ),
    Variant("another proof of the same witness", bodies(lambda case, _: [("again", case.again)]), PROVEN),
    Variant(
        "other signers, and more of them than are needed",
        bodies(
            lambda case, _: [
                (f"{positions}", case.signatures(digest_of(case), positions))
                for positions in ((0, 1), (1, 2), (0, 1, 2))
            ]
        ),
        (Kind.SIGNED,),
    ),
)
