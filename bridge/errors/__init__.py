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

Each branch has a file of its own. Each class is a record of what happened: its fields are what was expected and what was
found, `what` says it in one sentence and `fix` says what to do next. Library code raises; only the command line prints.
"""

from bridge.errors.root import BridgeError
from bridge.errors.input import (
    InputError,
    NotAnOnnxModel,
    UnsupportedOperator,
    UnreadableInput,
    InputShapeMismatch,
    InputTypeMismatch,
    InputNotFinite,
    InputNotHashed,
    InputOutOfRange,
    OptionInvalid,
)
from bridge.errors.circuit import (
    CircuitError,
    CircuitTooLarge,
    BatchRefused,
    CircuitRefused,
    FidelityTooLow,
    NoRowFits,
    BudgetExceeded,
)
from bridge.errors.bundle import (
    BundleError,
    BundleMissing,
    BundleCorrupt,
)
from bridge.errors.setup import (
    SetupError,
    SrsUnavailable,
    SrsHashMismatch,
    SrsMalformed,
    NoSetupInside,
    DevelopmentSetupRefused,
)
from bridge.errors.engine import (
    EngineError,
    EngineFailed,
    EngineDied,
    EngineTimeout,
)
from bridge.errors.proof import (
    ProofError,
    ProofMalformed,
    ProofInvalid,
    ProofOfAnotherModel,
)
from bridge.errors.solidity import (
    SolidityError,
    SolcMissing,
    CompileFailed,
    CodeTooLarge,
    InitcodeTooLarge,
    GasAboveCap,
    EvmTooOld,
    ChainTooOld,
)
from bridge.errors.tool import (
    ExtraMissing,
    ToolMissing,
)
from bridge.errors.account import (
    AccountError,
    AccountMissing,
    AccountExists,
    AccountRefused,
    WrongPassword,
    SignerUnreachable,
    SignerDeclined,
    SignatureRefused,
)
from bridge.errors.chain import (
    ChainError,
    ChainUnknown,
    RpcUnreachable,
    RpcFailed,
    WrongChain,
    InsufficientFunds,
    FeeAboveCap,
    ContractReverted,
    TransactionPending,
    NodesDisagree,
    NodeContradiction,
    RangeRefused,
    AnvilFailed,
)
from bridge.errors.deployment import (
    DeployError,
    NotDeployed,
    FactoryMissing,
    CreationFailed,
    DeploymentBookCorrupt,
    DeploymentDiffers,
    SourceDiffers,
)
from bridge.errors.explorer import (
    ExplorerError,
    ExplorerKeyMissing,
    ExplorerUnreachable,
    ExplorerMalformed,
    ExplorerRefused,
    ExplorerTimeout,
)
from bridge.errors.relay import (
    RelayError,
    IdempotencyConflict,
    JobUnknown,
    JobParked,
    RequestDeclined,
    RequestUnprofitable,
    RequestLost,
    RequestUnknown,
    LeaseLost,
    NonceTaken,
    BudgetSpent,
    ArtifactMissing,
    SchedulerUnreachable,
)
from bridge.errors.follow import (
    FollowError,
    IndexOfAnother,
    IndexMoved,
    PageContradicts,
    EventMalformed,
)
from bridge.errors.answer import (
    AnswerError,
    ChainNotFollowed,
    InferenceUnknown,
    ModelUnknown,
    LineUnknown,
    ConditionMalformed,
    ConditionNeedsModel,
    TensorUnknown,
    PlaceNotKept,
    CursorMalformed,
    CursorOfAnotherQuery,
    SchemaRefused,
)
from bridge.errors.api import (
    ApiError,
    RouteUnknown,
    MethodRefused,
    ParametersRefused,
    BodyTooLarge,
    BodyMalformed,
    MediaTypeRefused,
    BodyTooSlow,
    ApiKeyMissing,
    ApiKeyRefused,
    ApiKeyUnknown,
    RateExceeded,
    ModelNotServed,
    StreamFull,
    ServerFailed,
)
from bridge.errors.client import (
    ClientError,
    OutputOfAnotherModel,
    OutputMisshapen,
    ServerUnreachable,
    ServerRefused,
    AnswerMalformed,
    AnswerDiffers,
    AnswerUnconfirmed,
)
from bridge.errors.webhook import (
    WebhookError,
    WebhookUrlRefused,
    WebhookUnknown,
    WebhookConflict,
    DeliveryUnknown,
    MessageRefused,
)
from bridge.errors.database import (
    DatabaseError,
    DatabaseFailed,
)
from bridge.errors.storage import (
    StorageError,
    DiskFull,
    NotWritable,
)
