// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InferenceDesk} from "../src/InferenceDesk.sol";
import {IInferenceDesk} from "../src/interfaces/IInferenceDesk.sol";
import {IVerifierStop} from "../src/interfaces/IVerifierStop.sol";
import {Stage} from "./Stage.sol";
import {Coin, ICoin} from "./mocks/Coin.sol";

/// @dev The whole system with a desk, a token, one account that asks and one that proves.
abstract contract DeskStage is Stage {
    address internal constant NATIVE = address(0);
    uint48 internal constant DEADLINE = 10 days;
    uint32 internal constant CLAIM_SECONDS = 1 hours;
    uint128 internal constant FEE = 5 ether;
    uint128 internal constant BOND = 2 ether;

    address internal immutable REQUESTER = address(uint160(uint256(keccak256("requester"))));
    address internal immutable CLAIMER = address(uint160(uint256(keccak256("claimer"))));

    InferenceDesk internal desk = new InferenceDesk(ledger);
    address internal coin = address(new Coin());

    function _order(address token, bytes32 inputCommitment) internal view returns (IInferenceDesk.Order memory) {
        return IInferenceDesk.Order({
            modelId: model,
            inputCommitment: inputCommitment,
            callback: address(0),
            callbackGas: 0,
            deadline: DEADLINE,
            claimSeconds: CLAIM_SECONDS,
            token: token,
            fee: FEE,
            bond: BOND
        });
    }

    /// @dev The requester gets what it needs, and asks.
    function _ask(IInferenceDesk.Order memory order) internal returns (bytes32) {
        return _askAs(REQUESTER, order);
    }

    function _askAs(address requester, IInferenceDesk.Order memory order) internal returns (bytes32) {
        uint256 value = _fund(order.token, requester, order.fee);
        vm.prank(requester);
        return desk.request{value: value}(order, "input");
    }

    /// @dev The claimer gets what it needs, and claims.
    function _claim(bytes32 requestId) internal {
        _claimAs(CLAIMER, requestId);
    }

    function _claimAs(address claimer, bytes32 requestId) internal {
        IInferenceDesk.Request memory held = desk.requestOf(requestId);
        uint256 value = _fund(held.token, claimer, held.bond);
        vm.prank(claimer);
        desk.claim{value: value}(requestId);
    }

    /// @dev Asks for an inference that the claimer holds the proof of, and claims it.
    function _claimed(address token, Inference memory told) internal returns (bytes32 requestId) {
        requestId = _ask(_order(token, told.inputCommitment));
        _claim(requestId);
    }

    function _fulfil(bytes32 requestId, Inference memory told) internal {
        vm.prank(CLAIMER);
        desk.fulfil(requestId, told.output, told.proof);
    }

    /// @dev Gives an account the means for a payment to the desk.
    /// @return value What it has to send along.
    function _fund(address token, address account, uint256 amount) internal returns (uint256 value) {
        if (token == NATIVE) {
            vm.deal(account, account.balance + amount);
            return amount;
        }
        ICoin(token).mint(account, amount);
        vm.prank(account);
        ICoin(token).approve(address(desk), amount);
    }

    function _balance(address token, address account) internal view returns (uint256) {
        return token == NATIVE ? account.balance : ICoin(token).balanceOf(account);
    }

    function _state(bytes32 requestId) internal view returns (IInferenceDesk.State) {
        return desk.requestOf(requestId).state;
    }

    function _assertState(bytes32 requestId, IInferenceDesk.State expected) internal view {
        vm.assertEq(uint256(_state(requestId)), uint256(expected));
    }

    function _requestId(uint256 count, address requester, IInferenceDesk.Order memory order)
        internal
        view
        returns (bytes32)
    {
        bytes32 tag = keccak256("proofbridge.request.v1");
        return keccak256(abi.encode(tag, block.chainid, address(desk), count, requester, order));
    }

    function _idOf(Inference memory told) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(model, told.inputCommitment, told.output));
    }

    /// @dev Two true proofs of two outputs for one input.
    function _stopModel() internal {
        uint256[] memory first = _instances(1);
        uint256[] memory second = _instances(1);
        second[INPUTS] ^= 1;
        ezkl.stopModel(model, _proven(first), _proven(second));
    }

    function _deprecate() internal {
        vm.prank(OWNER);
        registry.deprecateModel(model);
    }

    function _proven(uint256[] memory instances) private view returns (IVerifierStop.Claim memory) {
        return IVerifierStop.Claim({instances: instances, proof: halo2.mockProve(instances)});
    }
}
