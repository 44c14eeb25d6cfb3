// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {Commitments} from "./Commitments.sol";
import {Grade} from "./Grade.sol";
import {IInferenceCallback} from "./interfaces/IInferenceCallback.sol";
import {IInferenceDesk} from "./interfaces/IInferenceDesk.sol";
import {IInferenceLedger} from "./interfaces/IInferenceLedger.sol";

/// @dev Documented in `IInferenceDesk`. Every function that calls out is guarded, and has written all it has to write by
/// then; the guard is for the tokens, whose balance is read before and after they are called.
contract InferenceDesk is IInferenceDesk, EIP712, ReentrancyGuardTransient {
    using BitMaps for BitMaps.BitMap;
    using SafeERC20 for IERC20;

    /// @inheritdoc IInferenceDesk
    uint32 public constant maxCallbackGas = 2_000_000;

    /// @inheritdoc IInferenceDesk
    /// @dev Enough for an account behind a proxy that writes a slot or two; little enough for whoever has to pay for it.
    uint32 public constant paymentGas = 100_000;

    /// @dev Keeps the id of a request apart from every other hash in the system.
    bytes32 private constant REQUEST_TAG = keccak256("proofbridge.request.v1");

    /// @dev What a call costs before its gas is divided: a cold account (2 600), the account it delegates to (2 600), value
    /// (9 000), an account that was empty (25 000), and a few instructions. Too much where some of it does not apply, which costs
    /// nobody anything.
    uint256 private constant CALL_COST = 40_000;

    bytes32 private constant ORDER_TYPE = keccak256(
        "Order(uint256 modelId,bytes32 inputCommitment,address callback,uint32 callbackGas,uint48 deadline,uint32 claimSeconds,address token,uint128 fee,uint128 bond)"
    );
    bytes32 private constant SIGNED_REQUEST_TYPE = keccak256(
        "SignedRequest(Order order,bytes input,address requester,uint256 nonce,uint256 validUntil)Order(uint256 modelId,bytes32 inputCommitment,address callback,uint32 callbackGas,uint48 deadline,uint32 claimSeconds,address token,uint128 fee,uint128 bond)"
    );

    /// @inheritdoc IInferenceDesk
    IInferenceLedger public immutable ledger;

    // | slot | field     | why it is there                                                    |
    // |------|-----------|--------------------------------------------------------------------|
    // | 0, 1 |           | of `EIP712`, and empty: its names are short                        |
    // | 2    | _count    | how many requests there were; makes equal orders different requests |
    // | 3    | _requests | for each request id seven slots, see below                         |
    // | 4    | _credits  | payments that were refused, by token and account                   |
    // | 5    | _nonces   | 256 nonces of an account in one slot                               |
    //
    // A request. All that changes lies in its first slot, so each step writes one. What most requests leave zero comes
    // last, each in a slot of its own, which then is never written.
    //
    // | slot | bytes          | field                             | who reads it                        |
    // |------|----------------|-----------------------------------|-------------------------------------|
    // | 0    | 20 + 6 + 4 + 1 | claimer, end, claimSeconds, state | every step                          |
    // | 1    | 20 + 6 + 4     | requester, deadline, callbackGas  | a refund; the gas only a callback   |
    // | 2    | 16 + 16        | fee, bond                         | every payment                       |
    // | 3    | 32             | modelId                           | every step                          |
    // | 4    | 32             | inputCommitment                   | a fulfilment                        |
    // | 5    | 20             | token                             | every payment; zero for native coin |
    // | 6    | 20             | callback                          | a fulfilment; zero for none         |
    uint256 private _count;
    mapping(bytes32 requestId => Request) private _requests;
    mapping(address token => mapping(address account => uint256)) private _credits;
    mapping(address account => BitMaps.BitMap) private _nonces;

    constructor(IInferenceLedger ledger_) EIP712("proofbridge inference desk", "1") {
        ledger = ledger_;
    }

    /// @inheritdoc IInferenceDesk
    function request(Order calldata order, bytes calldata input)
        external
        payable
        nonReentrant
        returns (bytes32 requestId)
    {
        requestId = _open(order, input, msg.sender);
    }

    /// @inheritdoc IInferenceDesk
    function requestFor(
        Order calldata order,
        bytes calldata input,
        address requester,
        uint256 nonce,
        uint256 validUntil,
        bytes calldata signature
    ) external nonReentrant returns (bytes32 requestId) {
        if (order.token == address(0)) revert TokenRequired();
        if (block.timestamp > validUntil) revert SignatureExpired({validUntil: validUntil});
        _useNonce(requester, nonce);
        bytes32 digest = digestOf(order, input, requester, nonce, validUntil);
        if (!SignatureChecker.isValidSignatureNowCalldata(requester, digest, signature)) {
            revert SignatureRefused({requester: requester});
        }
        requestId = _open(order, input, requester);
    }

    /// @inheritdoc IInferenceDesk
    function invalidateNonce(uint256 nonce) external {
        _useNonce(msg.sender, nonce);
        emit NonceInvalidated({account: msg.sender, nonce: nonce});
    }

    /// @inheritdoc IInferenceDesk
    function claim(bytes32 requestId) external payable nonReentrant {
        Request storage held = _requests[requestId];
        if (held.state != State.Open) revert NotOpen({requestId: requestId, state: held.state});
        if (block.timestamp > held.end) revert TooLate({requestId: requestId, end: held.end});
        if (!ledger.accepts(held.modelId)) revert ModelRefused({modelId: held.modelId});

        // The lesser of the two fits, because the deadline does.
        uint48 end = uint48(Math.min(block.timestamp + held.claimSeconds, held.end));
        (held.claimer, held.end, held.state) = (msg.sender, end, State.Claimed);
        emit Claimed({requestId: requestId, claimer: msg.sender, end: end});
        _take(held.token, msg.sender, held.bond);
    }

    /// @inheritdoc IInferenceDesk
    function fulfil(bytes32 requestId, bytes calldata output, bytes calldata proof) external nonReentrant {
        _fulfil(requestId, output, proof);
    }

    /// @inheritdoc IInferenceDesk
    function fulfilMany(Fulfilment[] calldata fulfilments) external nonReentrant {
        for (uint256 i = 0; i < fulfilments.length; ++i) {
            _fulfil(fulfilments[i].requestId, fulfilments[i].output, fulfilments[i].proof);
        }
    }

    /// @inheritdoc IInferenceDesk
    function fulfilFromBatch(bytes32 root, RowFulfilment[] calldata rows) external nonReentrant {
        Grade grade = ledger.batchOf(root).grade;
        for (uint256 i = 0; i < rows.length; ++i) {
            RowFulfilment calldata row = rows[i];
            Request storage held = _settle(row.requestId);
            (uint256 modelId, bytes32 inputCommitment) = (held.modelId, held.inputCommitment);
            bytes32 inferenceId = Commitments.inferenceId(modelId, inputCommitment, row.output);
            if (!ledger.isVerifiedInBatch(root, row.path, modelId, inputCommitment, row.output, Grade.Claimed)) {
                revert IInferenceLedger.NotInBatch({root: root, inferenceId: inferenceId});
            }
            _deliver(row.requestId, held, inferenceId, row.output, grade);
        }
    }

    /// @inheritdoc IInferenceDesk
    function refund(bytes32 requestId) external nonReentrant {
        Request storage held = _requests[requestId];
        bool claimed = held.state == State.Claimed;
        if (!claimed && held.state != State.Open) revert NothingHeld({requestId: requestId, state: held.state});
        bool accepted = ledger.accepts(held.modelId);
        // A claimer may have the inference recorded already, and can fulfil then whatever has become of the model.
        if (block.timestamp <= held.end && (claimed || accepted)) {
            revert TooEarly({requestId: requestId, end: held.end});
        }

        held.state = State.Refunded;
        (address token, address requester) = (held.token, held.requester);
        address bondTo = !claimed ? address(0) : accepted ? requester : held.claimer;
        emit Refunded({requestId: requestId, bondTo: bondTo});
        if (claimed && accepted) return _pay(token, requester, uint256(held.fee) + held.bond);
        _pay(token, requester, held.fee);
        if (claimed) _pay(token, bondTo, held.bond);
    }

    /// @inheritdoc IInferenceDesk
    function withdraw(address token, address account) external nonReentrant {
        _withdraw(token, account, account);
    }

    /// @inheritdoc IInferenceDesk
    function withdrawTo(address token, address to) external nonReentrant {
        if (to == address(0) || to == address(this)) revert RecipientRefused({to: to});
        _withdraw(token, msg.sender, to);
    }

    /// @inheritdoc IInferenceDesk
    function requestOf(bytes32 requestId) external view returns (Request memory) {
        return _requests[requestId];
    }

    /// @inheritdoc IInferenceDesk
    function creditOf(address token, address account) external view returns (uint256) {
        return _credits[token][account];
    }

    /// @inheritdoc IInferenceDesk
    function isNonceUsed(address account, uint256 nonce) external view returns (bool) {
        return _nonces[account].get(nonce);
    }

    /// @inheritdoc IInferenceDesk
    function digestOf(Order calldata order, bytes calldata input, address requester, uint256 nonce, uint256 validUntil)
        public
        view
        returns (bytes32)
    {
        bytes32 orderHash = keccak256(abi.encode(ORDER_TYPE, order));
        return _hashTypedDataV4(
            keccak256(abi.encode(SIGNED_REQUEST_TYPE, orderHash, keccak256(input), requester, nonce, validUntil))
        );
    }

    function _open(Order calldata order, bytes calldata input, address requester) private returns (bytes32 requestId) {
        if (!ledger.accepts(order.modelId)) revert ModelRefused({modelId: order.modelId});
        if (block.timestamp > order.deadline) revert DeadlineOver({deadline: order.deadline});
        if (order.claimSeconds == 0) revert NoTimeToFulfil();
        if ((order.callback == address(0)) != (order.callbackGas == 0)) {
            revert CallbackIncomplete({callback: order.callback, callbackGas: order.callbackGas});
        }
        if (order.callbackGas > maxCallbackGas) {
            revert CallbackGasTooHigh({expected: maxCallbackGas, got: order.callbackGas});
        }

        // The order is part of the id, so that a claim cannot end up at another order when the chain is reorganised.
        requestId = keccak256(abi.encode(REQUEST_TAG, block.chainid, address(this), _count++, requester, order));
        Request storage held = _requests[requestId];
        (held.end, held.claimSeconds, held.state) = (order.deadline, order.claimSeconds, State.Open);
        (held.requester, held.deadline, held.callbackGas) = (requester, order.deadline, order.callbackGas);
        (held.fee, held.bond) = (order.fee, order.bond);
        (held.modelId, held.inputCommitment) = (order.modelId, order.inputCommitment);
        if (order.token != address(0)) held.token = order.token;
        if (order.callback != address(0)) held.callback = order.callback;
        emit Requested({requestId: requestId, requester: requester, modelId: order.modelId, order: order, input: input});
        _take(order.token, requester, order.fee);
    }

    function _fulfil(bytes32 requestId, bytes calldata output, bytes calldata proof) private {
        Request storage held = _settle(requestId);
        bytes32 inferenceId = ledger.verifyAndStoreInference(held.modelId, held.inputCommitment, output, proof);
        _deliver(requestId, held, inferenceId, output, ledger.recordOf(inferenceId).grade);
    }

    /// @dev The request is fulfilled from here on; what follows makes that true, or reverts.
    function _settle(bytes32 requestId) private returns (Request storage held) {
        held = _requests[requestId];
        if (held.state != State.Claimed) revert NotClaimed({requestId: requestId, state: held.state});
        if (held.claimer != msg.sender) {
            revert NotClaimer({requestId: requestId, expected: held.claimer, got: msg.sender});
        }
        if (block.timestamp > held.end) revert TooLate({requestId: requestId, end: held.end});
        held.state = State.Fulfilled;
    }

    /// @dev Tells, pays the claimer, and calls back.
    function _deliver(bytes32 requestId, Request storage held, bytes32 inferenceId, bytes calldata output, Grade grade)
        private
    {
        emit Fulfilled({
            requestId: requestId, claimer: msg.sender, inferenceId: inferenceId, output: output, grade: grade
        });
        _pay(held.token, msg.sender, uint256(held.fee) + held.bond);

        address callback = held.callback;
        if (callback == address(0)) return;
        bytes memory message = abi.encodeCall(
            IInferenceCallback.onInference, (requestId, held.modelId, held.inputCommitment, output, grade)
        );
        // A call to an account without code succeeds, and tells nobody.
        if (callback.code.length != 0 && _call(callback, 0, message, held.callbackGas)) {
            emit CallbackSucceeded({requestId: requestId, callback: callback});
        } else {
            emit CallbackFailed({requestId: requestId, callback: callback});
        }
    }

    /// @dev Takes exactly this amount into escrow, or reverts.
    function _take(address token, address from, uint256 amount) private {
        uint256 expected = token == address(0) ? amount : 0;
        if (msg.value != expected) revert WrongValue({expected: expected, got: msg.value});
        if (token == address(0)) return;
        if (token.code.length == 0) revert NotAToken({token: token});
        if (amount == 0) return; // some tokens refuse to move nothing

        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(from, address(this), amount);
        uint256 got;
        // Wraps around if a token takes where it should give, and no amount that can be asked for is as great as that.
        unchecked {
            got = IERC20(token).balanceOf(address(this)) - before;
        }
        if (got != amount) revert WrongAmountTaken({token: token, expected: amount, got: got});
    }

    /// @dev Pays, now or later.
    function _pay(address token, address to, uint256 amount) private {
        if (amount == 0) return;
        bool paid = token == address(0) ? _call(to, amount, "", paymentGas) : IERC20(token).trySafeTransfer(to, amount);
        if (paid) return;
        _credits[token][to] += amount;
        emit Credited({token: token, account: to, amount: amount});
    }

    function _withdraw(address token, address account, address to) private {
        uint256 amount = _credits[token][account];
        if (amount == 0) revert NothingCredited({token: token, account: account});
        _credits[token][account] = 0;
        emit Withdrawn({token: token, account: account, to: to, amount: amount});
        bool paid =
            token == address(0) ? LowLevelCall.callNoReturn(to, amount, "") : IERC20(token).trySafeTransfer(to, amount);
        if (!paid) revert PaymentRefused({token: token, to: to, amount: amount});
    }

    /// @dev A call with exactly this much gas, whose answer is not copied. An account that is called gets no more than 63 of
    /// 64 parts of what is left, and would get less than it was promised without a word; so that is refused beforehand.
    function _call(address target, uint256 value, bytes memory message, uint256 gasLimit)
        private
        returns (bool success)
    {
        uint256 got = Math.saturatingSub(gasleft(), CALL_COST);
        got -= Math.ceilDiv(got, 64);
        if (got < gasLimit) revert NotEnoughGas({expected: gasLimit, got: got});
        assembly ("memory-safe") {
            success := call(gasLimit, target, value, add(message, 32), mload(message), 0, 0)
        }
    }

    function _useNonce(address account, uint256 nonce) private {
        if (_nonces[account].get(nonce)) revert NonceUsed({account: account, nonce: nonce});
        _nonces[account].set(nonce);
    }
}
