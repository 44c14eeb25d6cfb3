"""Every failure that proofbridge names, as one tree.

    BridgeError
    ├── InputError                 what was handed in cannot be used
    │   ├── NotAnOnnxModel
    │   ├── UnsupportedOperator
    │   ├── UnreadableInput
    │   ├── InputShapeMismatch
    │   ├── InputTypeMismatch
    │   ├── InputNotFinite
    │   ├── InputNotHashed
    │   ├── InputOutOfRange
    │   └── OptionInvalid
    ├── CircuitError               a model that does not become a circuit
    │   ├── CircuitTooLarge
    │   ├── BatchRefused
    │   ├── CircuitRefused
    │   ├── FidelityTooLow
    │   ├── NoRowFits
    │   └── BudgetExceeded
    ├── BundleError                a bundle directory that cannot be trusted
    │   ├── BundleMissing
    │   └── BundleCorrupt
    ├── SetupError                 the trusted setup
    │   ├── SrsUnavailable
    │   ├── SrsHashMismatch
    │   ├── SrsMalformed
    │   ├── NoSetupInside
    │   └── DevelopmentSetupRefused
    ├── EngineError                the child process that runs ezkl
    │   ├── EngineFailed
    │   ├── EngineDied
    │   └── EngineTimeout
    ├── ProofError
    │   ├── ProofMalformed
    │   ├── ProofInvalid
    │   └── ProofOfAnotherModel
    ├── SolidityError
    │   ├── SolcMissing
    │   ├── CompileFailed
    │   ├── CodeTooLarge
    │   ├── InitcodeTooLarge
    │   ├── GasAboveCap
    │   ├── EvmTooOld
    │   └── ChainTooOld
    ├── ExtraMissing               a Python package that only some commands need
    ├── ToolMissing                a program beside Python (node, npm, anvil)
    ├── AccountError
    │   ├── AccountMissing
    │   ├── AccountExists
    │   ├── AccountRefused
    │   ├── WrongPassword
    │   ├── SignerUnreachable
    │   ├── SignerDeclined
    │   └── SignatureRefused
    ├── ChainError
    │   ├── ChainUnknown
    │   ├── RpcUnreachable
    │   ├── RpcFailed
    │   ├── WrongChain
    │   ├── InsufficientFunds
    │   ├── FeeAboveCap
    │   ├── ContractReverted
    │   ├── TransactionPending
    │   ├── NodesDisagree
    │   ├── NodeContradiction
    │   ├── RangeRefused
    │   └── AnvilFailed
    ├── DeployError
    │   ├── NotDeployed
    │   ├── FactoryMissing
    │   ├── CreationFailed
    │   ├── DeploymentBookCorrupt
    │   ├── DeploymentDiffers
    │   └── SourceDiffers
    ├── ExplorerError              a service that publishes verified source
    │   ├── ExplorerKeyMissing
    │   ├── ExplorerUnreachable
    │   ├── ExplorerMalformed
    │   ├── ExplorerRefused
    │   └── ExplorerTimeout
    ├── RelayError
    │   ├── IdempotencyConflict
    │   ├── JobUnknown
    │   ├── JobParked
    │   ├── RequestDeclined
    │   ├── RequestUnprofitable
    │   ├── RequestLost
    │   ├── RequestUnknown
    │   ├── LeaseLost
    │   ├── NonceTaken
    │   ├── BudgetSpent
    │   ├── ArtifactMissing
    │   └── SchedulerUnreachable
    ├── FollowError                what stops the index of a chain
    │   ├── IndexOfAnother
    │   ├── IndexMoved
    │   ├── PageContradicts
    │   └── EventMalformed
    ├── AnswerError                a question that the index has no answer to
    │   ├── ChainNotFollowed
    │   ├── InferenceUnknown
    │   ├── ModelUnknown
    │   ├── LineUnknown
    │   ├── ConditionMalformed
    │   ├── ConditionNeedsModel
    │   ├── TensorUnknown
    │   ├── PlaceNotKept
    │   ├── CursorMalformed
    │   ├── CursorOfAnotherQuery
    │   └── SchemaRefused
    ├── ApiError                   a request over HTTP that is not served
    │   ├── RouteUnknown
    │   ├── MethodRefused
    │   ├── ParametersRefused
    │   ├── BodyTooLarge
    │   ├── BodyMalformed
    │   ├── MediaTypeRefused
    │   ├── BodyTooSlow
    │   ├── ApiKeyMissing
    │   ├── ApiKeyRefused
    │   ├── ApiKeyUnknown
    │   ├── RateExceeded
    │   ├── ModelNotServed
    │   ├── StreamFull
    │   └── ServerFailed
    ├── ClientError                an answer of a server, and what a chain says of it
    │   ├── OutputOfAnotherModel
    │   ├── OutputMisshapen
    │   ├── ServerUnreachable
    │   ├── ServerRefused
    │   ├── AnswerMalformed
    │   ├── AnswerDiffers
    │   └── AnswerUnconfirmed
    ├── WebhookError
    │   ├── WebhookUrlRefused
    │   ├── WebhookUnknown
    │   ├── WebhookConflict
    │   ├── DeliveryUnknown
    │   └── MessageRefused
    ├── DatabaseError
    │   └── DatabaseFailed
    └── StorageError
        ├── DiskFull
        └── NotWritable

Each class is a record of what happened: its fields are what was expected and what was found, `what` says it in
one sentence and `fix` says what to do next. Library code raises; only the command line prints.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any


class BridgeError(Exception):
    """Root of the tree. Catch this to catch everything proofbridge names."""

    @property
    def what(self) -> str:
        """One sentence: what failed, where, what was expected and what was found."""
        raise NotImplementedError

    @property
    def fix(self) -> str:
        """One sentence: what to do about it."""
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{self.what}. {self.fix}."

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes: an exception as Python has it would be made again from `args`, which are empty."""
        names: list[str] = [field.name for field in fields(self)] if is_dataclass(self) else []
        values = {name: getattr(self, name) for name in names}
        return _again, (type(self), values)


def _again(kind: type[BridgeError], values: dict[str, Any]) -> BridgeError:
    return kind(**values)


# --- what was handed in ----------------------------------------------------------------------------------------------


class InputError(BridgeError):
    """What was handed in cannot be used."""


@dataclass(eq=False)
class NotAnOnnxModel(InputError):
    """The file is not an ONNX graph with inputs and outputs."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"{self.path} is not an ONNX model: {self.reason}"

    @property
    def fix(self) -> str:
        return "Export the model to ONNX and check it with onnx.checker.check_model"


@dataclass(eq=False)
class UnsupportedOperator(InputError):
    """ezkl has no circuit for an operator of the graph."""

    path: Path
    operator: str
    node: str
    reason: str

    @property
    def what(self) -> str:
        where = f" (node {self.node!r})" if self.node else ""
        return (
            f"{self.path} uses the operator {self.operator}{where}, which ezkl cannot put into a circuit: {self.reason}"
        )

    @property
    def fix(self) -> str:
        return f"Re-export the model without {self.operator}, for instance as a composition of simpler operators"


@dataclass(eq=False)
class UnreadableInput(InputError):
    """A file of input rows that cannot be parsed."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"cannot read input rows from {self.path}: {self.reason}"

    @property
    def fix(self) -> str:
        return 'Use .json ({"name": nested lists} or {"input_data": [...]}), .npz, .npy or .csv'


@dataclass(eq=False)
class InputShapeMismatch(InputError):
    """A tensor has another number of elements or another shape than the model takes."""

    tensor: str
    expected: tuple[int, ...]
    got: tuple[int, ...]

    @property
    def what(self) -> str:
        return f"input {self.tensor!r} has the wrong shape: expected {list(self.expected)} for each row, got {list(self.got)}"

    @property
    def fix(self) -> str:
        return "Reshape the input, or hand in whole rows of the expected shape"


@dataclass(eq=False)
class InputTypeMismatch(InputError):
    """A tensor holds values that do not fit the model's element type."""

    tensor: str
    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"input {self.tensor!r} has the wrong type: expected {self.expected}, got {self.got}"

    @property
    def fix(self) -> str:
        return f"Convert the values to {self.expected}"


@dataclass(eq=False)
class InputNotFinite(InputError):
    """NaN or infinity: no field element stands for it."""

    tensor: str
    index: int
    value: float

    @property
    def what(self) -> str:
        return f"input {self.tensor!r} holds {self.value} at element {self.index}; only finite numbers can be proven"

    @property
    def fix(self) -> str:
        return "Replace or drop the row before proving"


@dataclass(eq=False)
class InputNotHashed(InputError):
    """A model whose input is not behind a hash has none to open."""

    model_id: str
    visibility: str

    @property
    def what(self) -> str:
        return f"the input of model {self.model_id} is {self.visibility}, not hashed, so there is nothing to open"

    @property
    def fix(self) -> str:
        return "Build the model with --input-visibility hashed, or read the input of a public one from its proofs"


@dataclass(eq=False)
class InputOutOfRange(InputError):
    """A value outside the range that the circuit was calibrated for."""

    tensor: str
    index: int
    value: float
    low: float
    high: float

    @property
    def what(self) -> str:
        return (
            f"input {self.tensor!r} holds {self.value:g} at element {self.index}, outside the range "
            f"[{self.low:g}, {self.high:g}] that the circuit was calibrated for"
        )

    @property
    def fix(self) -> str:
        return "Rebuild the model with a sample that covers this value"


@dataclass(eq=False)
class OptionInvalid(InputError):
    """An option whose value makes no sense here."""

    option: str
    got: str
    expected: str

    @property
    def what(self) -> str:
        return f"{self.option} is {self.got!r}, expected {self.expected}"

    @property
    def fix(self) -> str:
        return f"Give {self.option} as {self.expected}"


# --- circuits --------------------------------------------------------------------------------------------------------


class CircuitError(BridgeError):
    """A model that does not become a circuit."""


@dataclass(eq=False)
class CircuitTooLarge(CircuitError):
    """No setting brings the circuit under the largest row count allowed."""

    path: Path
    smallest_logrows: int
    allowed_logrows: int

    @property
    def what(self) -> str:
        return (
            f"the smallest circuit found for {self.path} needs 2^{self.smallest_logrows} rows, "
            f"more than the 2^{self.allowed_logrows} allowed"
        )

    @property
    def fix(self) -> str:
        return "Use a smaller model, or raise --max-logrows if memory and time allow it"


@dataclass(eq=False)
class BatchRefused(CircuitError):
    """The model cannot be run over many rows at once."""

    path: Path
    size: int
    reason: str

    @property
    def what(self) -> str:
        return f"{self.path} does not run over {self.size} rows at once: {self.reason}"

    @property
    def fix(self) -> str:
        return "Export the model with a batch axis, first in every input and output, or build it without --batch"


@dataclass(eq=False)
class CircuitRefused(CircuitError):
    """ezkl read the model but every setting tried was refused."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"no circuit setting works for {self.path}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Scale the inputs to smaller numbers, or simplify the model"


@dataclass(eq=False)
class FidelityTooLow(CircuitError):
    """The circuit differs from the float model by more than was asked for."""

    got: float
    allowed: float
    rows: str = "calibration"
    """Which rows it differs on."""

    @property
    def what(self) -> str:
        return (
            f"the best circuit differs from onnxruntime by {self.got:g} on the {self.rows} rows, "
            f"more than --max-error {self.allowed:g}"
        )

    @property
    def fix(self) -> str:
        return "Allow a larger --max-error, or scale the model's numbers so that fixed point holds them better"


@dataclass(eq=False)
class NoRowFits(CircuitError):
    """The finished circuit was to be compared with the float model on rows of which it takes none."""

    which: str
    rows: int
    reason: str

    @property
    def what(self) -> str:
        return f"the circuit takes none of the {self.rows} {self.which} rows: {self.reason}"

    @property
    def fix(self) -> str:
        return f"Give a --sample that covers the {self.which} rows, or others with --held-out"


@dataclass(eq=False)
class BudgetExceeded(CircuitError):
    """The finished circuit was measured and costs more than was allowed."""

    measure: str
    option: str
    got: float
    allowed: float

    @property
    def what(self) -> str:
        return f"the best circuit found takes {self.got:g} {self.measure}, more than {self.option} {self.allowed:g}"

    @property
    def fix(self) -> str:
        return f"Raise {self.option}, or choose the --objective that makes this small"


# --- bundles ---------------------------------------------------------------------------------------------------------


class BundleError(BridgeError):
    """A bundle directory that cannot be used."""


@dataclass(eq=False)
class BundleMissing(BundleError):
    """There is no bundle, or more than one, at a path."""

    path: Path
    found: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        if self.found:
            return f"{self.path} holds several bundles: {', '.join(self.found)}"
        return f"there is no bundle at {self.path} (no manifest.json)"

    @property
    def fix(self) -> str:
        return (
            "Name one bundle directory"
            if self.found
            else "Make one with: proofbridge model build MODEL.onnx --sample S --out DIR"
        )


@dataclass(eq=False)
class BundleCorrupt(BundleError):
    """A file of the bundle is not what its manifest says."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"the bundle file {self.path} is not what was built: {self.reason}"

    @property
    def fix(self) -> str:
        return "Do not use this bundle; build it again from the ONNX file"


# --- trusted setup ---------------------------------------------------------------------------------------------------


class SetupError(BridgeError):
    """The trusted setup (structured reference string, SRS)."""


@dataclass(eq=False)
class SrsUnavailable(SetupError):
    """No SRS of the needed size could be had."""

    logrows: int
    tried: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"no trusted setup for 2^{self.logrows} rows was found (tried: {', '.join(self.tried)})"

    @property
    def fix(self) -> str:
        return f"Run: proofbridge srs fetch {self.logrows}, or give the file with --srs"


@dataclass(eq=False)
class SrsHashMismatch(SetupError):
    """The SRS file is not the one its name or key promises."""

    path: Path
    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"the trusted setup {self.path} has sha256 {self.got}, expected {self.expected}"

    @property
    def fix(self) -> str:
        return "Delete the file and fetch it again from a source you trust"


@dataclass(eq=False)
class SrsMalformed(SetupError):
    """Not an SRS file at all."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"{self.path} is not a KZG trusted setup: {self.reason}"

    @property
    def fix(self) -> str:
        return "Give a raw halo2 KZG file, as ezkl get-srs downloads it"


@dataclass(eq=False)
class NoSetupInside(SetupError):
    """What was looked into tells nothing of a trusted setup."""

    where: str
    reason: str

    @property
    def what(self) -> str:
        return f"no trusted setup can be seen in {self.where}: {self.reason}"

    @property
    def fix(self) -> str:
        return (
            "Give a setup file, a bundle, a verifying key with its circuit beside it, a generated verifier's source or code, "
            "or the address of one"
        )


@dataclass(eq=False)
class DevelopmentSetupRefused(SetupError):
    """Whoever made a development setup can forge every proof; it must not leave a local chain."""

    model_id: str
    chain: str

    @property
    def what(self) -> str:
        return (
            f"the key of model {self.model_id} is not built on a public ceremony, so whoever made its setup can "
            f"forge proofs; it is refused on {self.chain}"
        )

    @property
    def fix(self) -> str:
        return "Rebuild the model with a public ceremony: proofbridge srs fetch K, then proofbridge model build"


# --- the engine ------------------------------------------------------------------------------------------------------


class EngineError(BridgeError):
    """The child process that runs ezkl."""


@dataclass(eq=False)
class EngineFailed(EngineError):
    """ezkl answered with an error."""

    step: str
    reason: str
    log: str = ""

    @property
    def what(self) -> str:
        return f"ezkl failed in {self.step}: {self.reason}"

    @property
    def fix(self) -> str:
        return "See the reason above; run proofbridge doctor to check the versions"


@dataclass(eq=False)
class EngineDied(EngineError):
    """The child ended without an answer (killed, out of memory, aborted)."""

    step: str
    exit_code: int
    peak_memory_bytes: int

    @property
    def what(self) -> str:
        return (
            f"the ezkl process ended with exit code {self.exit_code} in {self.step}, "
            f"at {self.peak_memory_bytes / 2**20:.0f} MiB of memory"
        )

    @property
    def fix(self) -> str:
        return "Give it more memory or a smaller circuit; a kill by signal 9 usually means that memory ran out"


@dataclass(eq=False)
class EngineTimeout(EngineError):
    """The child did not finish in time and was killed."""

    step: str
    seconds: float

    @property
    def what(self) -> str:
        return f"ezkl did not finish {self.step} in {self.seconds:.0f} s and was stopped"

    @property
    def fix(self) -> str:
        return "Raise --timeout, or build a smaller circuit (--objective latency)"


# --- proofs ----------------------------------------------------------------------------------------------------------


class ProofError(BridgeError):
    """A proof that cannot be submitted."""


@dataclass(eq=False)
class ProofMalformed(ProofError):
    """A proof file that cannot be parsed."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"{self.path} is not a proof file: {self.reason}"

    @property
    def fix(self) -> str:
        return "Make one with: proofbridge prove DIR --input X --out proof.json"


@dataclass(eq=False)
class ProofInvalid(ProofError):
    """The proof does not verify locally, so nobody should pay for it."""

    model_id: str
    reason: str

    @property
    def what(self) -> str:
        return f"the proof does not verify against model {self.model_id}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Prove the input again; nothing was sent"


@dataclass(eq=False)
class ProofOfAnotherModel(ProofError):
    """The proof names another model than the bundle."""

    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"the proof is for model {self.got}, but the bundle is model {self.expected}"

    @property
    def fix(self) -> str:
        return "Give the bundle that the proof was made with"


# --- solidity --------------------------------------------------------------------------------------------------------


class SolidityError(BridgeError):
    """Compiling, and the limits that chains put on code."""


@dataclass(eq=False)
class SolcMissing(SolidityError):
    """No Solidity compiler of the pinned version could be had."""

    version: str
    tried: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"no solc {self.version} was found (tried: {'; '.join(self.tried)})"

    @property
    def fix(self) -> str:
        return "Install Node.js 20 or newer with npm and run: proofbridge doctor"


@dataclass(eq=False)
class CompileFailed(SolidityError):
    """solc refused a source."""

    unit: str
    reason: str

    @property
    def what(self) -> str:
        return f"solc could not compile {self.unit}: {self.reason}"

    @property
    def fix(self) -> str:
        return "If the contract is generated, rebuild the model; if it is yours, mend the source"


@dataclass(eq=False)
class CodeTooLarge(SolidityError):
    """Over the runtime code limit (EIP-170)."""

    unit: str
    size: int
    limit: int

    @property
    def what(self) -> str:
        return f"{self.unit} has {self.size} bytes of runtime code, over the chain's limit of {self.limit} (EIP-170)"

    @property
    def fix(self) -> str:
        return "Rebuild with --objective gas (fewer columns make a smaller verifier)"


@dataclass(eq=False)
class InitcodeTooLarge(SolidityError):
    """Over the creation code limit (EIP-3860)."""

    unit: str
    size: int
    limit: int

    @property
    def what(self) -> str:
        return f"{self.unit} has {self.size} bytes of creation code, over the chain's limit of {self.limit} (EIP-3860)"

    @property
    def fix(self) -> str:
        return "Rebuild with --objective gas (fewer columns make a smaller verifier)"


@dataclass(eq=False)
class GasAboveCap(SolidityError):
    """Over the gas that one transaction may use (EIP-7825)."""

    unit: str
    gas: int
    limit: int

    @property
    def what(self) -> str:
        return (
            f"{self.unit} needs {self.gas} gas, over the chain's limit of {self.limit} for one transaction (EIP-7825)"
        )

    @property
    def fix(self) -> str:
        return "Use fewer public inputs and outputs, a smaller circuit, or a chain with a higher limit"


@dataclass(eq=False)
class EvmTooOld(SolidityError):
    """The chain may not know an opcode that the code uses."""

    unit: str
    built_for: str
    chain_knows: str

    @property
    def what(self) -> str:
        return f"{self.unit} was built for the EVM version {self.built_for}, but the chain is only known to run {self.chain_knows}"

    @property
    def fix(self) -> str:
        return f"Rebuild with --evm-version {self.chain_knows}"


@dataclass(eq=False)
class ChainTooOld(SolidityError):
    """The chain does not know an opcode that the core contracts use."""

    chain_id: int
    evm: str

    @property
    def what(self) -> str:
        return (
            f"Chain {self.chain_id} does not run the EVM version {self.evm}, which the core contracts are compiled for"
        )

    @property
    def fix(self) -> str:
        return "Use a chain that has had the Cancun upgrade (Ethereum had it in March 2024)"


@dataclass(eq=False)
class ExtraMissing(BridgeError):
    """A Python package that only some commands need is not installed."""

    package: str
    extra: str

    @property
    def what(self) -> str:
        return f"{self.package} is not installed, and this needs it"

    @property
    def fix(self) -> str:
        return f"Install it with: pip install 'proofbridge[{self.extra}]'"


@dataclass(eq=False)
class ToolMissing(BridgeError):
    """A program that proofbridge runs beside Python is not there."""

    tool: str
    tried: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"{self.tool} was not found (tried: {'; '.join(self.tried)})"

    @property
    def fix(self) -> str:
        return "Install Node.js 20 or newer with npm; proofbridge then installs its pinned tools by itself"


# --- accounts --------------------------------------------------------------------------------------------------------


class AccountError(BridgeError):
    """Keys. No message of this family ever holds a secret."""


@dataclass(eq=False)
class AccountMissing(AccountError):
    """No account of that name, or none given at all."""

    name: str
    known: tuple[str, ...]

    @property
    def what(self) -> str:
        known = ", ".join(self.known) or "none"
        return f"there is no account {self.name!r} (keystores found: {known})"

    @property
    def fix(self) -> str:
        return (
            "Run: proofbridge account new NAME, or give --account env:VARIABLE or, on a local chain, --account unlocked"
        )


@dataclass(eq=False)
class AccountExists(AccountError):
    """A keystore of that name is there already and is never overwritten."""

    name: str
    path: Path

    @property
    def what(self) -> str:
        return f"the keystore {self.path} exists already and is not overwritten"

    @property
    def fix(self) -> str:
        return f"Choose another name than {self.name!r}, or move the file away"


@dataclass(eq=False)
class AccountRefused(AccountError):
    """A key source that must not be used here, or holds no key."""

    name: str
    reason: str

    @property
    def what(self) -> str:
        return f"the account {self.name!r} cannot be used: {self.reason}"

    @property
    def fix(self) -> str:
        return "Use an encrypted keystore: proofbridge account new NAME"


@dataclass(eq=False)
class WrongPassword(AccountError):
    """The keystore does not open."""

    name: str

    @property
    def what(self) -> str:
        return f"the password does not open the keystore {self.name!r}"

    @property
    def fix(self) -> str:
        return "Type the password again, or set PROOFBRIDGE_PASSWORD or --password-file"


@dataclass(eq=False)
class SignerUnreachable(AccountError):
    """A signer outside this process does not answer."""

    signer: str
    reason: str

    @property
    def what(self) -> str:
        return f"the signer {self.signer} does not answer: {self.reason}"

    @property
    def fix(self) -> str:
        return "Nothing was sent; check that it runs, the network, and for a cloud's key its credentials and region"


@dataclass(eq=False)
class SignerDeclined(AccountError):
    """A signer answered that it does not sign."""

    signer: str
    reason: str

    @property
    def what(self) -> str:
        return f"the signer {self.signer} does not sign: {self.reason}"

    @property
    def fix(self) -> str:
        return "Nothing was sent; the reason is the signer's own: see its rules, and who may use the key"


@dataclass(eq=False)
class SignatureRefused(AccountError):
    """What a signer gave back is not the transaction that was asked for, signed by the account that was asked."""

    signer: str
    field: str
    expected: str
    got: str

    @property
    def what(self) -> str:
        return (
            f"the signer {self.signer} gave back something else: {self.field} is {self.got}, expected {self.expected}"
        )

    @property
    def fix(self) -> str:
        return "Nothing was sent; do not use this signer before the difference is explained"


# --- chains ----------------------------------------------------------------------------------------------------------


class ChainError(BridgeError):
    """The chain and the nodes that speak for it."""


@dataclass(eq=False)
class ChainUnknown(ChainError):
    """No preset of that name."""

    name: str
    known: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"there is no chain preset {self.name!r} (known: {', '.join(self.known)})"

    @property
    def fix(self) -> str:
        return "Choose one of those, or give --rpc URL"


@dataclass(eq=False)
class RpcUnreachable(ChainError):
    """The node does not answer."""

    url: str
    reason: str

    @property
    def what(self) -> str:
        return f"the RPC node {self.url} does not answer: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check the URL and the network; for a local chain run: proofbridge up"


@dataclass(eq=False)
class RpcFailed(ChainError):
    """The node answered with an error of its own."""

    method: str
    reason: str

    @property
    def what(self) -> str:
        return f"the RPC call {self.method} failed: {self.reason}"

    @property
    def fix(self) -> str:
        return "Try another node with --rpc"


@dataclass(eq=False)
class WrongChain(ChainError):
    """The node is on another chain than was asked for."""

    url: str
    expected: int
    got: int

    @property
    def what(self) -> str:
        return f"the RPC node {self.url} is on chain {self.got}, expected chain {self.expected}"

    @property
    def fix(self) -> str:
        return "Give the right --rpc, or the right --chain or --chain-id"


@dataclass(eq=False)
class InsufficientFunds(ChainError):
    """The account cannot pay."""

    address: str
    needed_wei: int
    balance_wei: int

    @property
    def what(self) -> str:
        return f"the account {self.address} holds {self.balance_wei} wei, but the transaction may cost {self.needed_wei} wei"

    @property
    def fix(self) -> str:
        return "Send it some native coin, or choose another --account"


@dataclass(eq=False)
class FeeAboveCap(ChainError):
    """The market asks more than the cap allows."""

    base_fee_wei: int
    cap_wei: int

    @property
    def what(self) -> str:
        return f"the chain's base fee is {self.base_fee_wei / 1e9:g} gwei, over the cap of {self.cap_wei / 1e9:g} gwei"

    @property
    def fix(self) -> str:
        return "Wait, or raise --max-fee-gwei"


@dataclass(eq=False)
class ContractReverted(ChainError):
    """A contract refused, by a name from its ABI where it gave one."""

    call: str
    error: str
    arguments: tuple[tuple[str, str], ...] = ()
    tx_hash: str | None = None

    @property
    def what(self) -> str:
        listed = ", ".join(f"{name}={value}" for name, value in self.arguments)
        mined = f" in transaction {self.tx_hash}" if self.tx_hash else ""
        return f"the contract refused {self.call}{mined}: {self.error}({listed})"

    @property
    def fix(self) -> str:
        return "Nothing was recorded; the error's name and its NatSpec say the likely cause"


@dataclass(eq=False)
class TransactionPending(ChainError):
    """Sent, but its receipt was not seen. The hash is kept."""

    tx_hash: str
    reason: str

    @property
    def what(self) -> str:
        return f"transaction {self.tx_hash} was sent but its receipt has not been seen: {self.reason}"

    @property
    def fix(self) -> str:
        return "Run the same command again: it finds this transaction and does not send a second one"


@dataclass(eq=False)
class NodesDisagree(ChainError):
    """Several nodes say different things of what can have happened only once."""

    chain_id: int
    what_of: str
    answers: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"the nodes of chain {self.chain_id} disagree on {self.what_of}: {' | '.join(self.answers)[:300]}"

    @property
    def fix(self) -> str:
        return "One of them lags behind a reorganisation, or lies: leave it out of --rpc if that goes on"


@dataclass(eq=False)
class NodeContradiction(ChainError):
    """What a node says in one answer does not fit what it says in another."""

    url: str
    block: int
    reason: str

    @property
    def what(self) -> str:
        return f"the node {self.url} contradicts itself at block {self.block}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Nothing of it was written down, and it is tried again; leave the node out if that goes on"


@dataclass(eq=False)
class RangeRefused(ChainError):
    """A node does not answer for so many blocks at once."""

    first: int
    last: int
    code: int
    reason: str

    @property
    def what(self) -> str:
        return f"the node refused the events of blocks {self.first} to {self.last}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Fewer blocks are asked for; if even one is refused, use another node"


@dataclass(eq=False)
class AnvilFailed(ChainError):
    """The local chain did not start."""

    reason: str

    @property
    def what(self) -> str:
        return f"Anvil did not start: {self.reason}"

    @property
    def fix(self) -> str:
        return "Run: proofbridge doctor"


# --- deployment ------------------------------------------------------------------------------------------------------


class DeployError(BridgeError):
    """Deploying, and what deployments/<chainId>.json says."""


@dataclass(eq=False)
class NotDeployed(DeployError):
    """Something that must be on the chain is not."""

    thing: str
    chain_id: int
    command: str

    @property
    def what(self) -> str:
        return f"{self.thing} is not deployed on chain {self.chain_id}"

    @property
    def fix(self) -> str:
        return f"Run: {self.command}"


@dataclass(eq=False)
class FactoryMissing(DeployError):
    """The deterministic deployment factory has no code on this chain."""

    address: str
    chain_id: int

    @property
    def what(self) -> str:
        return f"chain {self.chain_id} has no CREATE2 factory at {self.address}"

    @property
    def fix(self) -> str:
        return "Ask the chain's operators for the standard deterministic deployment proxy"


@dataclass(eq=False)
class CreationFailed(DeployError):
    """The factory ran and left no code."""

    unit: str
    address: str

    @property
    def what(self) -> str:
        return f"deploying {self.unit} left no code at {self.address}"

    @property
    def fix(self) -> str:
        return "Its constructor refused; check that the chain runs the EVM version it was compiled for"


@dataclass(eq=False)
class DeploymentBookCorrupt(DeployError):
    """deployments/<chainId>.json cannot be parsed."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"{self.path} cannot be read: {self.reason}"

    @property
    def fix(self) -> str:
        return "Restore it from version control, or move it away and deploy again (deploying twice does nothing)"


@dataclass(eq=False)
class DeploymentDiffers(DeployError):
    """What stands on the chain is not what the book says."""

    chain_id: int
    checks: int
    differences: tuple[tuple[str, str], ...]
    """Contract and what was checked, beside what was expected and found."""

    @property
    def what(self) -> str:
        where, how = self.differences[0]
        return (
            f"{len(self.differences)} of {self.checks} checks of the deployment on chain {self.chain_id} fail, "
            f"first {where}: {how}"
        )

    @property
    def fix(self) -> str:
        return (
            "Trust neither the book nor the contracts before each difference is explained; try another node with --rpc"
        )


@dataclass(eq=False)
class SourceDiffers(DeployError):
    """The source that was kept beside the book is not that of the contract."""

    contract: str
    address: str
    reason: str

    @property
    def what(self) -> str:
        return f"the kept source of {self.contract} does not give the contract at {self.address}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Restore the book and its sources from version control, and use the proofbridge that deployed them"


# --- explorers -------------------------------------------------------------------------------------------------------


class ExplorerError(BridgeError):
    """A service that publishes verified source. No message of this family ever holds an API key."""


@dataclass(eq=False)
class ExplorerKeyMissing(ExplorerError):
    """The service takes no source without an API key."""

    service: str
    variable: str

    @property
    def what(self) -> str:
        return f"{self.service} needs an API key, and the environment variable {self.variable} holds none"

    @property
    def fix(self) -> str:
        return f"Set {self.variable}; a key is never taken from the command line"


@dataclass(eq=False)
class ExplorerUnreachable(ExplorerError):
    """The service does not answer."""

    service: str
    url: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.service} at {self.url} does not answer: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check the network and --url, then run the same command again: what is verified already is found"


@dataclass(eq=False)
class ExplorerMalformed(ExplorerError):
    """The service answered with something that is not its API."""

    service: str
    url: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.service} at {self.url} answered with what is not its API: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check --url; if it is right, the service has changed or is broken"


@dataclass(eq=False)
class ExplorerRefused(ExplorerError):
    """The service does not accept the source, for a reason that it gives."""

    service: str
    contract: str
    address: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.service} refused the source of {self.contract} at {self.address}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check with proofbridge deploy verify that the book is that of this chain, and that the service knows it"


@dataclass(eq=False)
class ExplorerTimeout(ExplorerError):
    """The service took the source and did not say in time what became of it."""

    service: str
    contract: str
    seconds: float
    reason: str

    @property
    def what(self) -> str:
        return f"{self.service} did not finish {self.contract} within {self.seconds:g} s; last it said: {self.reason}"

    @property
    def fix(self) -> str:
        return "Run the same command again, with a larger --timeout: what is verified by then is found"


# --- the relayer -----------------------------------------------------------------------------------------------------


class RelayError(BridgeError):
    """What stops a relayer, or one of its jobs."""


@dataclass(eq=False)
class IdempotencyConflict(RelayError):
    """One key, two payloads."""

    key: str
    job_id: str

    @property
    def what(self) -> str:
        return f"the idempotency key {self.key!r} belongs to job {self.job_id}, which asks for something else"

    @property
    def fix(self) -> str:
        return "Use another key for another request, or ask again for exactly what that one asked for"


@dataclass(eq=False)
class JobUnknown(RelayError):
    """No job has this id."""

    job_id: str

    @property
    def what(self) -> str:
        return f"there is no job {self.job_id}"

    @property
    def fix(self) -> str:
        return "List them with: proofbridge relay status"


@dataclass(eq=False)
class JobParked(RelayError):
    """A job whose proving was begun and never ended, again and again."""

    job_id: str
    tries: int
    last: str
    """What the last try ended with, where that is known."""

    @property
    def what(self) -> str:
        said = f"; the last try: {self.last}" if self.last else ""
        return f"job {self.job_id} was tried {self.tries} times and never came to an end{said}"

    @property
    def fix(self) -> str:
        return "Look at what it does to the machine (memory, time), then ask for it again under another key"


@dataclass(eq=False)
class RequestDeclined(RelayError):
    """A request at the desk that this relayer does not take."""

    request_id: str
    reason: str

    @property
    def what(self) -> str:
        return f"the request {self.request_id} is not taken: {self.reason}"

    @property
    def fix(self) -> str:
        return "Change the terms (see: proofbridge relay run --help), or leave it to another relayer"


@dataclass(eq=False)
class RequestUnprofitable(RelayError):
    """A request at the desk that pays too little as gas is now; later it may be enough."""

    request_id: str
    reason: str

    @property
    def what(self) -> str:
        return f"the request {self.request_id} waits: {self.reason}"

    @property
    def fix(self) -> str:
        return "Wait for cheaper gas, or change the terms (see: proofbridge relay run --help)"


@dataclass(eq=False)
class RequestLost(RelayError):
    """A request at the desk that somebody else claimed, or whose time is over."""

    request_id: str
    state: str
    claimer: str

    @property
    def what(self) -> str:
        return f"the request {self.request_id} is {self.state}, by {self.claimer}, before this relayer could claim it"

    @property
    def fix(self) -> str:
        return "Nothing has to be done: it is not paid for any more"


@dataclass(eq=False)
class RequestUnknown(RelayError):
    """The desk has no such request."""

    request_id: str

    @property
    def what(self) -> str:
        return f"the desk has no request {self.request_id}"

    @property
    def fix(self) -> str:
        return "Check the id and the chain; a reorganisation can take a request away"


@dataclass(eq=False)
class LeaseLost(RelayError):
    """Another relayer acts for the chain now."""

    name: str
    holder: str
    by: str

    @property
    def what(self) -> str:
        return f"{self.holder} no longer holds the lease {self.name}; {self.by} does"

    @property
    def fix(self) -> str:
        return "Nothing has to be done: this relayer stopped and waits for its turn"


@dataclass(eq=False)
class NonceTaken(RelayError):
    """Somebody else was faster, in this process or another."""

    sender: str
    nonce: int

    @property
    def what(self) -> str:
        return f"nonce {self.nonce} of {self.sender} was given out already"

    @property
    def fix(self) -> str:
        return "Nothing has to be done: the next try takes another one"


@dataclass(eq=False)
class BudgetSpent(RelayError):
    """An operator's cap on what a key may pay."""

    span: str
    allowed_wei: int
    needed_wei: int

    @property
    def what(self) -> str:
        return f"{self.span} may cost {self.allowed_wei} wei at most, and {self.needed_wei} would be needed"

    @property
    def fix(self) -> str:
        return "Wait, or raise the cap (--max-transaction-ether, --max-hour-ether)"


@dataclass(eq=False)
class ArtifactMissing(RelayError):
    """The store does not hold what a job needs, or holds something else under its name."""

    digest: str
    place: str

    @property
    def what(self) -> str:
        return f"the store {self.place} holds no file with sha256 {self.digest}"

    @property
    def fix(self) -> str:
        return "Check --store: every relayer and worker needs the one that the job was made with"


@dataclass(eq=False)
class SchedulerUnreachable(RelayError):
    """No Dask scheduler answers."""

    address: str
    reason: str

    @property
    def what(self) -> str:
        return f"no Dask scheduler answers at {self.address}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Start one with: dask scheduler, and give its address, tcp://HOST:8786"


# --- the index -------------------------------------------------------------------------------------------------------


class FollowError(BridgeError):
    """What stops the index of a chain."""


@dataclass(eq=False)
class IndexOfAnother(FollowError):
    """The database follows other contracts on this chain."""

    chain_id: int
    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"the index of chain {self.chain_id} follows the ledger {self.expected}, and not {self.got}"

    @property
    def fix(self) -> str:
        return "Give it a database of its own with --database"


@dataclass(eq=False)
class IndexMoved(FollowError):
    """Somebody else wrote to the index in the meantime."""

    chain_id: int
    expected: int
    got: int

    @property
    def what(self) -> str:
        return f"the index of chain {self.chain_id} stands at block {self.got}, expected {self.expected}: somebody else moved it"

    @property
    def fix(self) -> str:
        return "Nothing has to be done: what was read is dropped, and reading goes on from there"


@dataclass(eq=False)
class PageContradicts(FollowError):
    """What was read does not fit what is in the tables: something that happens once would have happened twice."""

    chain_id: int
    first: int
    reason: str

    @property
    def what(self) -> str:
        return f"what a node shows of chain {self.chain_id} from block {self.first} on does not fit the index: {self.reason}"

    @property
    def fix(self) -> str:
        return "Nothing of it was written down; if that goes on, use another node, or index into a new database"


@dataclass(eq=False)
class EventMalformed(FollowError):
    """An event that our contracts cannot have emitted."""

    block: int
    log_index: int
    reason: str

    @property
    def what(self) -> str:
        return f"event {self.log_index} of block {self.block} is none of the contracts that are followed: {self.reason}"

    @property
    def fix(self) -> str:
        return "The node lies, or the deployment book names other contracts: try another --rpc, and check --deployments"


# --- the index and what it is asked ----------------------------------------------------------------------------------


class AnswerError(BridgeError):
    """A question that the index has no answer to."""


@dataclass(eq=False)
class ChainNotFollowed(AnswerError):
    """The database holds nothing of the chain, or of several and it was not said which."""

    chain: str
    found: tuple[int, ...]

    @property
    def what(self) -> str:
        return f"the index has not followed {self.chain}; it holds {list(self.found) or 'no chain'}"

    @property
    def fix(self) -> str:
        return "Follow the chain first: proofbridge serve --follow --chain NAME, or name one that is there with --chain"


@dataclass(eq=False)
class InferenceUnknown(AnswerError):
    """Nothing verified has this id, or a reorganisation took it."""

    inference_id: str
    chain_id: int

    @property
    def what(self) -> str:
        return f"chain {self.chain_id} has no verified inference {self.inference_id}"

    @property
    def fix(self) -> str:
        return "Check the id and the chain; what was mined just now may not be in the index yet"


@dataclass(eq=False)
class ModelUnknown(AnswerError):
    """Nobody registered this model on the chain."""

    model_id: str
    chain_id: int

    @property
    def what(self) -> str:
        return f"chain {self.chain_id} has no model {self.model_id}"

    @property
    def fix(self) -> str:
        return "List the models that it has with GET /v1/models"


@dataclass(eq=False)
class LineUnknown(AnswerError):
    """Nobody created this line of versions."""

    line_id: str
    chain_id: int

    @property
    def what(self) -> str:
        return f"chain {self.chain_id} has no line of versions {self.line_id}"

    @property
    def fix(self) -> str:
        return "Check the id; models name the lines that they are versions of"


@dataclass(eq=False)
class ConditionMalformed(AnswerError):
    """A condition on numbers that does not follow the grammar."""

    text: str
    reason: str

    @property
    def what(self) -> str:
        return f"cannot read the condition {self.text[:80]!r}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Write it as output.NAME>=NUMBER, input.NAME[INDEX]<NUMBER or output[PLACE]=NUMBER"


@dataclass(eq=False)
class ConditionNeedsModel(AnswerError):
    """Numbers have names only within one model."""

    text: str

    @property
    def what(self) -> str:
        return f"the condition {self.text[:80]!r} is on numbers of no model"

    @property
    def fix(self) -> str:
        return "Say which model is meant with model=ID"


@dataclass(eq=False)
class TensorUnknown(AnswerError):
    """The model has no tensor of this name."""

    name: str
    known: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"the model has no {self.name[:80]}; it has {', '.join(self.known) or 'none that is known'}"

    @property
    def fix(self) -> str:
        return "Use one of these names, or a place as in output[3]"


@dataclass(eq=False)
class PlaceNotKept(AnswerError):
    """A number that filters do not know, or that is not there."""

    place: int
    kept: int

    @property
    def what(self) -> str:
        return f"place {self.place} cannot be filtered by: the first {self.kept} numbers of the side are"

    @property
    def fix(self) -> str:
        return "Filter by one of those, and by the others where the answers arrive"


@dataclass(eq=False)
class CursorMalformed(AnswerError):
    """A cursor that this API did not make."""

    cursor: str

    @property
    def what(self) -> str:
        return f"{self.cursor[:80]!r} is no cursor"

    @property
    def fix(self) -> str:
        return "Hand in `next` of the page before, whole and unchanged, or nothing for the first page"


@dataclass(eq=False)
class CursorOfAnotherQuery(AnswerError):
    """A cursor goes on with the query that it is of, and with no other."""

    cursor: str

    @property
    def what(self) -> str:
        return f"the cursor {self.cursor[:80]!r} is of a query with other filters"

    @property
    def fix(self) -> str:
        return "Keep every filter as it was on the page before; only limit may change"


@dataclass(eq=False)
class SchemaRefused(AnswerError):
    """A bundle that is not of the model as the chain has it."""

    path: Path
    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"{self.path} has the circuit hash {self.got}, the chain has {self.expected} for its model"

    @property
    def fix(self) -> str:
        return "Serve the bundle that the model was registered from"


# --- over HTTP -------------------------------------------------------------------------------------------------------


class ApiError(BridgeError):
    """A request over HTTP that is not served."""


@dataclass(eq=False)
class RouteUnknown(ApiError):
    """Nothing is at this path."""

    path: str

    @property
    def what(self) -> str:
        return f"there is nothing at {self.path[:200]!r}"

    @property
    def fix(self) -> str:
        return "Look the paths up in /openapi.json"


@dataclass(eq=False)
class MethodRefused(ApiError):
    """The path is there and does not take this method."""

    method: str
    allowed: str

    @property
    def what(self) -> str:
        return f"the method {self.method[:20]} is not for this path, which takes {self.allowed}"

    @property
    def fix(self) -> str:
        return "Look the path up in /openapi.json"


@dataclass(eq=False)
class ParametersRefused(ApiError):
    """Parameters that are missing, unknown or not what they have to be."""

    name: str
    """Of the first that is refused."""
    reason: str

    @property
    def what(self) -> str:
        return f"the parameter {self.name} is refused: {self.reason}"

    @property
    def fix(self) -> str:
        return "Compare the request with /openapi.json"


@dataclass(eq=False)
class BodyTooLarge(ApiError):
    """A body over the limit."""

    most: int

    @property
    def what(self) -> str:
        return f"the body is longer than {self.most} bytes"

    @property
    def fix(self) -> str:
        return "Send less: one row a request"


@dataclass(eq=False)
class BodyMalformed(ApiError):
    """A body that is not the JSON that was asked for."""

    reason: str

    @property
    def what(self) -> str:
        return f"cannot read the body: {self.reason}"

    @property
    def fix(self) -> str:
        return "Send JSON in UTF-8 as /openapi.json describes it: no NaN, no nesting beyond the tensor's own"


@dataclass(eq=False)
class MediaTypeRefused(ApiError):
    """A body of another kind."""

    got: str

    @property
    def what(self) -> str:
        return f"the body is of type {self.got[:80]!r}, expected application/json"

    @property
    def fix(self) -> str:
        return "Send JSON with Content-Type: application/json"


@dataclass(eq=False)
class BodyTooSlow(ApiError):
    """A body that does not arrive."""

    seconds: float

    @property
    def what(self) -> str:
        return f"the body was not there after {self.seconds:g} seconds"

    @property
    def fix(self) -> str:
        return "Send the request in one go"


@dataclass(eq=False)
class ApiKeyMissing(ApiError):
    """What costs the operator gas is not for everybody."""

    header: str

    @property
    def what(self) -> str:
        return f"this needs an API key in the header {self.header}"

    @property
    def fix(self) -> str:
        return "Send Authorization: Bearer KEY; an operator makes one with proofbridge apikey new NAME"


@dataclass(eq=False)
class ApiKeyRefused(ApiError):
    """A key that nobody has, or has any more."""

    key_id: str

    @property
    def what(self) -> str:
        return f"the API key {self.key_id[:12]!r} is not known or was revoked"

    @property
    def fix(self) -> str:
        return "Ask the operator for another: proofbridge apikey new NAME"


@dataclass(eq=False)
class ApiKeyUnknown(ApiError):
    """There is no key to revoke."""

    key_id: str

    @property
    def what(self) -> str:
        return f"there is no API key {self.key_id[:40]!r}"

    @property
    def fix(self) -> str:
        return "List them with: proofbridge apikey list"


@dataclass(eq=False)
class RateExceeded(ApiError):
    """More requests than the server takes from one key or address."""

    limit: str
    seconds: int

    @property
    def what(self) -> str:
        return f"more than {self.limit} requests"

    @property
    def fix(self) -> str:
        return f"Try again in {self.seconds} seconds"


@dataclass(eq=False)
class ModelNotServed(ApiError):
    """The server has no bundle of this model."""

    model_id: str
    served: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"inferences of {self.model_id} are not taken here; those of {', '.join(self.served) or 'no model'} are"

    @property
    def fix(self) -> str:
        return "Ask for one of these, or start the server with --model DIR"


@dataclass(eq=False)
class StreamFull(ApiError):
    """As many subscribers as the server takes."""

    most: int

    @property
    def what(self) -> str:
        return f"{self.most} subscribers are connected already"

    @property
    def fix(self) -> str:
        return "Try again later, or read GET /v1/feed in turns"


@dataclass(eq=False)
class ServerFailed(ApiError):
    """A failure of the server, which is no business of who asked."""

    kind: str

    @property
    def what(self) -> str:
        return f"the server could not answer ({self.kind})"

    @property
    def fix(self) -> str:
        return "Try again; the operator finds the reason in the log of the server"


# --- a client ----------------------------------------------------------------------------------------------------------


class ClientError(BridgeError):
    """A record that cannot be used as it was answered."""


@dataclass(eq=False)
class OutputOfAnotherModel(ClientError):
    """A reader that was generated for one model was given a record of another."""

    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"the record is of model {self.got}, and this reads model {self.expected}"

    @property
    def fix(self) -> str:
        return "Generate a reader from that model's bundle: proofbridge model codegen DIR --out FOLDER"


@dataclass(eq=False)
class OutputMisshapen(ClientError):
    """The output of a record is not as many words as the model gives."""

    model_id: str
    expected: int
    reason: str

    @property
    def what(self) -> str:
        return f"the output is not {self.expected} words, as one row of model {self.model_id} gives: {self.reason}"

    @property
    def fix(self) -> str:
        return "Hold the record against the chain; all rows of a batch as one statement are read row by row"


@dataclass(eq=False)
class ServerUnreachable(ClientError):
    """No answer of a server in time."""

    url: str
    reason: str

    @property
    def what(self) -> str:
        return f"the server at {self.url} does not answer: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check the URL and that the server runs (proofbridge serve); what is on the chain can be read without it"


@dataclass(eq=False)
class ServerRefused(ClientError):
    """A server answered with a problem (RFC 9457)."""

    url: str
    status: int
    title: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.url} answered {self.status} {self.title}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Mend the request as the answer says"


@dataclass(eq=False)
class AnswerMalformed(ClientError):
    """An answer that is not of the form that the API describes."""

    url: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.url} answered with something else than its API describes: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check that the server and this client are of one version; ask another server"


@dataclass(eq=False)
class AnswerDiffers(ClientError):
    """A server says one thing and the chain another."""

    inference_id: str
    thing: str
    answered: str
    found: str

    @property
    def what(self) -> str:
        return f"of inference {self.inference_id} the server says {self.thing} {self.answered}, and it is {self.found}"

    @property
    def fix(self) -> str:
        return "Do not use the answer; ask again, and if it stays, do not use the server"


@dataclass(eq=False)
class AnswerUnconfirmed(ClientError):
    """The chain does not hold what a server says that it holds."""

    inference_id: str
    chain_id: int
    ledger: str
    reason: str

    @property
    def what(self) -> str:
        return f"chain {self.chain_id}, ledger {self.ledger}, does not confirm inference {self.inference_id}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Do not use the answer; ask again after some blocks, as a reorganisation may have taken it, and ask another node"


# --- databases -------------------------------------------------------------------------------------------------------


class WebhookError(BridgeError):
    """Messages to subscribers."""


@dataclass(eq=False)
class WebhookUrlRefused(WebhookError):
    """Nothing is sent there."""

    host: str
    """Alone: the rest of a URL may be a secret."""
    reason: str

    @property
    def what(self) -> str:
        return f"a webhook at {self.host or '(no host)'} is refused: {self.reason}"

    @property
    def fix(self) -> str:
        return "Give a public https:// URL; a receiver of your own network needs a server with --private-webhooks"


@dataclass(eq=False)
class WebhookUnknown(WebhookError):
    """No webhook has this id, or it is somebody else's."""

    webhook_id: str

    @property
    def what(self) -> str:
        return f"there is no webhook {self.webhook_id}"

    @property
    def fix(self) -> str:
        return "List them with: proofbridge webhook list"


@dataclass(eq=False)
class WebhookConflict(WebhookError):
    """One idempotency key, two webhooks."""

    key: str
    webhook_id: str

    @property
    def what(self) -> str:
        return f"the idempotency key {self.key!r} belongs to webhook {self.webhook_id}, which is another one"

    @property
    def fix(self) -> str:
        return "Use another key for another webhook, or ask again for exactly what that one asked for"


@dataclass(eq=False)
class DeliveryUnknown(WebhookError):
    """A webhook has no message of this number."""

    webhook_id: str
    number: int

    @property
    def what(self) -> str:
        return f"webhook {self.webhook_id} has no message {self.number}"

    @property
    def fix(self) -> str:
        return "See its messages with: proofbridge webhook log ID"


@dataclass(eq=False)
class MessageRefused(WebhookError):
    """A message that came is not what the sender signed, or not new."""

    reason: str

    @property
    def what(self) -> str:
        return f"the message is refused: {self.reason}"

    @property
    def fix(self) -> str:
        return "Compare the secret with the webhook's, and hand over the body as it came, byte for byte"


class DatabaseError(BridgeError):
    """The database of relayer and index cannot be used."""


@dataclass(eq=False)
class DatabaseFailed(DatabaseError):
    """It does not answer, or not as a database of ours."""

    place: str
    reason: str

    @property
    def what(self) -> str:
        return f"the database {self.place} cannot be used: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check --database (sqlite:///FILE or postgresql://HOST/NAME) and that the server runs"


# --- storage ---------------------------------------------------------------------------------------------------------


class StorageError(BridgeError):
    """The disk."""


@dataclass(eq=False)
class DiskFull(StorageError):
    """No space left; nothing half-written was kept."""

    path: Path

    @property
    def what(self) -> str:
        return f"the disk is full while writing {self.path}; nothing half-written was kept"

    @property
    def fix(self) -> str:
        return "Free some space and run the same command again"


@dataclass(eq=False)
class NotWritable(StorageError):
    """A place that cannot be written."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"cannot write {self.path}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Choose another folder or mend its permissions"
