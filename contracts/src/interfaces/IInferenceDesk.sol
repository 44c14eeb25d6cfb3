// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Grade} from "../Grade.sol";
import {IInferenceLedger} from "./IInferenceLedger.sol";

/// @title Paid requests for verified inferences
/// @notice Trust contract. Holds what requesters pay and what claimers deposit, and gives it out by the rules below and in
/// no other way: nobody owns it, it keeps no share, and nothing can be upgraded. It trusts its ledger, completely, for two
/// things: what is verified, and which models are still accepted.
///
/// The way of a request:
/// - Open, up to and including its deadline: anybody may claim it, and deposits the bond that the requester asks for.
/// - Claimed, up to and including its end, which is `claimSeconds` after the claim or the deadline, whichever is first: the
///   claimer may fulfil it, with a proof or with a row of a recorded batch, and is paid the fee and the bond.
/// - After that, and not a second sooner: anybody may have it refunded. The fee goes back to the requester. The bond goes
///   to the requester too, or back to the claimer if the model is no longer accepted, which is not the fault of a claimer;
///   otherwise whoever owns a listing could collect bonds by deprecating it. A request that nobody has claimed and of a
///   model that is no longer accepted has no use for its deadline, and is refunded at once.
///
/// A request is claimed once, ever, and nobody but its claimer is paid for it. So a proof that is copied out of the mempool
/// earns nothing, and nobody can make the transaction of a claimer fail by being faster. A claim that lapses ends the
/// request; the requester has fee and bond, and may ask again.
///
/// A requester trusts nobody with the fee: without the verified output it comes back. A claimer has to look before the
/// claim: whether the input that was emitted is the one of the commitment, because nothing is proven about it; whether the
/// model can be proven for it; and whether the verifier of the model, which whoever lists a model chooses, is one that
/// will accept what is true. Best is to claim with the proof in hand. A bond of zero lets anybody block a request
/// until its claim lapses.
///
/// Payments are pushed. A native payment gets `paymentGas`; one that is refused becomes a credit, which its account sends on
/// or anybody pushes again. Ether that is forced upon the desk and tokens that are sent to it without a request belong to
/// nobody. A token is trusted by those who deal in it, and by nobody else: one that lies, or whose balances change
/// by themselves, or whose transfers eat all gas, harms requests in that token only.
interface IInferenceDesk {
    /// @notice How far a request has come. It only ever goes forward.
    enum State {
        /// There is no such request.
        None,
        /// Nobody has claimed it.
        Open,
        /// Its claimer may fulfil it.
        Claimed,
        /// The output is verified and the claimer is paid.
        Fulfilled,
        /// It ended without an output.
        Refunded
    }

    /// @notice What a requester asks for.
    /// @param callback Who is told of the output, see `IInferenceCallback`; zero for nobody.
    /// @param callbackGas With how much gas, not less and not more; zero if nobody is told.
    /// @param deadline The last second of a claim and of a fulfilment.
    /// @param claimSeconds How long a claim holds.
    /// @param token In what it is paid; zero for the native coin.
    /// @param fee What the requester pays.
    /// @param bond What the claimer deposits, in the same token.
    struct Order {
        uint256 modelId;
        bytes32 inputCommitment;
        address callback;
        uint32 callbackGas;
        uint48 deadline;
        uint32 claimSeconds;
        address token;
        uint128 fee;
        uint128 bond;
    }

    /// @notice A request, as the desk keeps it. The order is in it, and whose it is, and how far it has come.
    /// @param claimer Who claimed it; zero if nobody has.
    /// @param end The last second of what comes next: of a claim while it is open, of its fulfilment once it is claimed.
    struct Request {
        address claimer;
        uint48 end;
        uint32 claimSeconds;
        State state;
        address requester;
        uint48 deadline;
        uint32 callbackGas;
        uint128 fee;
        uint128 bond;
        uint256 modelId;
        bytes32 inputCommitment;
        address token;
        address callback;
    }

    /// @notice A claimed request and what fulfils it.
    struct Fulfilment {
        bytes32 requestId;
        bytes output;
        bytes proof;
    }

    /// @notice A claimed request and the row of a batch that fulfils it.
    /// @param path The Merkle proof, from the leaf up.
    struct RowFulfilment {
        bytes32 requestId;
        bytes32[] path;
        bytes output;
    }

    /// @notice An inference was asked for, and its fee was taken. The input is what the requester says it is: compare it to
    /// the commitment before you claim.
    event Requested(
        bytes32 indexed requestId, address indexed requester, uint256 indexed modelId, Order order, bytes input
    );

    /// @notice A request was claimed, and the bond was taken.
    event Claimed(bytes32 indexed requestId, address indexed claimer, uint48 end);

    /// @notice A request was fulfilled by a verified inference, and its claimer was paid or credited.
    event Fulfilled(
        bytes32 indexed requestId, address indexed claimer, bytes32 indexed inferenceId, bytes output, Grade grade
    );

    /// @notice The callback of a request was told, and did not revert.
    event CallbackSucceeded(bytes32 indexed requestId, address indexed callback);

    /// @notice The callback of a request reverted, or has no code, or ran out of the gas that the request gave it.
    event CallbackFailed(bytes32 indexed requestId, address indexed callback);

    /// @notice A request ended without an output, and its fee went back to the requester.
    /// @param bondTo To whom the bond went; zero if nobody had claimed the request.
    event Refunded(bytes32 indexed requestId, address indexed bondTo);

    /// @notice A payment was refused by its receiver, and is kept for it.
    event Credited(address indexed token, address indexed account, uint256 amount);

    /// @notice A credit was paid out.
    event Withdrawn(address indexed token, address indexed account, address indexed to, uint256 amount);

    /// @notice A requester withdrew a nonce before a request was made by it.
    event NonceInvalidated(address indexed account, uint256 nonce);

    /// @notice True proofs of the model would not be accepted. Likely cause: not registered, deprecated, or stopped.
    error ModelRefused(uint256 modelId);

    /// @notice The deadline is over already. Likely cause: a time in milliseconds elsewhere and in seconds here.
    error DeadlineOver(uint48 deadline);

    /// @notice A claim would lapse in the second in which it is made.
    error NoTimeToFulfil();

    /// @notice A callback without gas, or gas without a callback.
    error CallbackIncomplete(address callback, uint32 callbackGas);

    /// @notice The callback is to get more gas than any may.
    error CallbackGasTooHigh(uint32 expected, uint32 got);

    /// @notice Too much or too little was sent along. Likely cause: ether sent with a payment in a token, or the fee sent
    /// where the bond is asked for.
    error WrongValue(uint256 expected, uint256 got);

    /// @notice There is no contract at the address of the token. Likely cause: the address it has on another chain.
    error NotAToken(address token);

    /// @notice Another amount arrived than was sent. Likely cause: a token that takes a fee of its own; the desk cannot
    /// keep such.
    error WrongAmountTaken(address token, uint256 expected, uint256 got);

    /// @notice The request is not open. Likely cause: somebody else claimed it first.
    error NotOpen(bytes32 requestId, State state);

    /// @notice The request is not claimed. Likely cause: fulfilled already, or refunded after its end.
    error NotClaimed(bytes32 requestId, State state);

    /// @notice Nothing is held for the request. Likely cause: settled already.
    error NothingHeld(bytes32 requestId, State state);

    /// @notice The request is claimed by another account, which alone can be paid for it.
    error NotClaimer(bytes32 requestId, address expected, address got);

    /// @notice The last second of a claim, or of a fulfilment, is over. A refund is what is left.
    error TooLate(bytes32 requestId, uint48 end);

    /// @notice The last second of a claim, or of a fulfilment, is not over.
    error TooEarly(bytes32 requestId, uint48 end);

    /// @notice A call could not be given the gas that it is promised. Likely cause: a gas limit that was set by hand, or
    /// estimated on another state; a higher one does.
    error NotEnoughGas(uint256 expected, uint256 got);

    /// @notice Nothing is credited.
    error NothingCredited(address token, address account);

    /// @notice The receiver refused the payment again. Likely cause: as before; the account sends it elsewhere.
    error PaymentRefused(address token, address to, uint256 amount);

    /// @notice What is sent there is lost: it is the zero address, or the desk.
    error RecipientRefused(address to);

    /// @notice A signed request is paid in a token; the native coin cannot be taken from a signer.
    error TokenRequired();

    /// @notice The signature is not good any longer.
    error SignatureExpired(uint256 validUntil);

    /// @notice The signature is not one of the requester over exactly this. Likely cause: signed for another chain or desk.
    error SignatureRefused(address requester);

    /// @notice The nonce is used or withdrawn. Likely cause: the same signature sent twice.
    error NonceUsed(address account, uint256 nonce);

    /// @notice Asks for an inference and pays for it: the fee is sent along, or taken from the allowance of the caller.
    /// @param input The input in whatever form its claimer can use. It is emitted, and nothing is proven about it.
    function request(Order calldata order, bytes calldata input) external payable returns (bytes32 requestId);

    /// @notice The same for somebody else, who has signed it; the fee is taken from the allowance of the requester. The
    /// signature is one over `digestOf`, by key or by ERC-1271.
    /// @param requester Who asks, pays and is refunded.
    /// @param nonce Any that the requester has not used; they need no order.
    /// @param validUntil The last second in which the signature is good.
    function requestFor(
        Order calldata order,
        bytes calldata input,
        address requester,
        uint256 nonce,
        uint256 validUntil,
        bytes calldata signature
    ) external returns (bytes32 requestId);

    /// @notice Makes a nonce of the caller useless, and every signature with it.
    function invalidateNonce(uint256 nonce) external;

    /// @notice Claims a request, once and for all: the bond is sent along, or taken from the allowance of the caller.
    function claim(bytes32 requestId) external payable;

    /// @notice Fulfils a request that the caller has claimed. Reverts as the ledger does.
    /// @param proof As the ledger takes it; if the inference is recorded already, anything.
    function fulfil(bytes32 requestId, bytes calldata output, bytes calldata proof) external;

    /// @notice Fulfils many requests that the caller has claimed: all of them, or none.
    function fulfilMany(Fulfilment[] calldata fulfilments) external;

    /// @notice Fulfils many requests that the caller has claimed by rows of a batch that is recorded: all of them, or none.
    /// The rows get no records of their own; `storeFromBatch` of the ledger gives them one. Reverts with `BatchNotRecorded`
    /// and `NotInBatch` of the ledger.
    function fulfilFromBatch(bytes32 root, RowFulfilment[] calldata rows) external;

    /// @notice Ends a request that nobody claimed by its deadline, or that its claimer did not fulfil. Anybody may.
    function refund(bytes32 requestId) external;

    /// @notice Pushes the credit of an account to it. Anybody may. The gas is not limited here, as it is for a payment.
    function withdraw(address token, address account) external;

    /// @notice Sends the credit of the caller to another account.
    function withdrawTo(address token, address to) external;

    /// @notice The request with this id, all zero if there is none.
    function requestOf(bytes32 requestId) external view returns (Request memory);

    /// @notice What is credited to an account.
    function creditOf(address token, address account) external view returns (uint256);

    /// @notice Whether a nonce is used or withdrawn.
    function isNonceUsed(address account, uint256 nonce) external view returns (bool);

    /// @notice What a requester signs: EIP-712 typed data over all of it.
    function digestOf(Order calldata order, bytes calldata input, address requester, uint256 nonce, uint256 validUntil)
        external
        view
        returns (bytes32);

    /// @notice The ledger that verifies.
    function ledger() external view returns (IInferenceLedger);

    /// @notice The most gas that a callback can be given.
    function maxCallbackGas() external view returns (uint32);

    /// @notice The gas that a payment in the native coin is given.
    function paymentGas() external view returns (uint32);
}
