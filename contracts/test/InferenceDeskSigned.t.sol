// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InferenceDesk} from "../src/InferenceDesk.sol";
import {IInferenceDesk} from "../src/interfaces/IInferenceDesk.sol";
import {DeskStage} from "./DeskStage.sol";
import {ICoin} from "./mocks/Coin.sol";
import {Wallet1271} from "./mocks/Wallet1271.sol";

/// @dev Requests that somebody signs and somebody else sends.
contract InferenceDeskSignedTest is DeskStage {
    uint256 private constant KEY = 7;
    uint256 private constant VALID_UNTIL = 5 days;

    address private _signer = vm.addr(KEY);
    Wallet1271 private _wallet = new Wallet1271();

    /// @dev All that is signed, and the signature.
    struct Signed {
        IInferenceDesk.Order order;
        bytes input;
        address requester;
        uint256 nonce;
        uint256 validUntil;
        bytes signature;
    }

    function test_whatIsSignedIsTypedData(bytes calldata input, uint256 nonce, uint256 validUntil) external view {
        IInferenceDesk.Order memory order = _order(coin, "input");
        (order.callback, order.callbackGas) = (STRANGER, 5);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("proofbridge inference desk"),
                keccak256("1"),
                block.chainid,
                address(desk)
            )
        );
        string memory orderType =
            "Order(uint256 modelId,bytes32 inputCommitment,address callback,uint32 callbackGas,uint48 deadline,uint32 claimSeconds,address token,uint128 fee,uint128 bond)";
        bytes32 orderHash = keccak256(
            bytes.concat(
                abi.encode(keccak256(bytes(orderType)), order.modelId, order.inputCommitment, order.callback),
                abi.encode(order.callbackGas, order.deadline, order.claimSeconds, order.token, order.fee, order.bond)
            )
        );
        bytes32 signedType = keccak256(
            abi.encodePacked(
                "SignedRequest(Order order,bytes input,address requester,uint256 nonce,uint256 validUntil)", orderType
            )
        );
        bytes32 statement = keccak256(abi.encode(signedType, orderHash, keccak256(input), _signer, nonce, validUntil));
        vm.assertEq(
            desk.digestOf(order, input, _signer, nonce, validUntil),
            keccak256(abi.encodePacked(hex"1901", domain, statement))
        );
    }

    function test_aSignedRequestIsPaidByItsSignerAndSentByAnybody(uint256 nonce, address relayer) external {
        vm.assume(relayer != _signer);
        Signed memory told = _signed(nonce);
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Requested(_expectedId(told), _signer, model, told.order, told.input);
        vm.prank(relayer);
        bytes32 id = _send(told);
        IInferenceDesk.Request memory held = desk.requestOf(id);
        vm.assertEq(held.requester, _signer);
        vm.assertEq(held.fee, FEE);
        vm.assertEq(_balance(coin, _signer), 0);
        vm.assertEq(_balance(coin, address(desk)), FEE);

        vm.warp(uint256(DEADLINE) + 1);
        desk.refund(id);
        vm.assertEq(_balance(coin, _signer), FEE);
    }

    function test_anAccountContractSignsByItsOwnRule() external {
        Signed memory told = _signed(0);
        told.requester = address(_wallet);
        told.signature = "approved";
        _fund(coin, address(_wallet), FEE);
        _isRefused(told);
        _wallet.approve(_digest(told));
        told.signature = "disapproved";
        _isRefused(told);
        told.signature = "approved";
        vm.assertEq(desk.requestOf(_send(told)).requester, address(_wallet));
    }

    function test_aSignatureIsGoodForNothingElse() external {
        _isRefusedAfterAnyChange(_signed(0));
    }

    function test_aSignatureIsGoodForNoOtherRequester(address other) external {
        vm.assume(other != _signer && other.code.length == 0);
        Signed memory told = _signed(0);
        told.requester = other;
        _isRefused(told);
    }

    function test_theSignatureOfAnotherKeyIsRefused(uint128 key) external {
        vm.assume(key != KEY && key != 0);
        Signed memory told = _signed(0);
        told.signature = _signature(key, _digest(told));
        _isRefused(told);
        told.signature = "";
        _isRefused(told);
    }

    function test_aSignatureForAnotherChainIsRefused(uint64 chainId) external {
        vm.assume(chainId != block.chainid && chainId != 0);
        Signed memory told = _signed(0);
        uint256 here = vm.getChainId();
        vm.chainId(chainId);
        _isRefused(told);
        vm.chainId(here);
        _send(told);
    }

    function test_aSignatureForAnotherDeskIsRefused() external {
        Signed memory told = _signed(0);
        InferenceDesk other = new InferenceDesk(ledger);
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.SignatureRefused.selector, _signer));
        other.requestFor(told.order, told.input, told.requester, told.nonce, told.validUntil, told.signature);
    }

    function test_aSignatureIsGoodOnce(uint256 nonce) external {
        Signed memory told = _signed(nonce);
        vm.assertEq(desk.isNonceUsed(_signer, nonce), false);
        _send(told);
        vm.assertEq(desk.isNonceUsed(_signer, nonce), true);
        _fund(coin, _signer, FEE);
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.NonceUsed.selector, _signer, nonce));
        _send(told);
    }

    function test_noncesNeedNoOrder(uint256 first, uint256 second) external {
        vm.assume(first != second);
        _send(_signed(first));
        vm.assertEq(desk.isNonceUsed(_signer, second), false);
        _send(_signed(second));
    }

    function test_theNoncesOfOneAccountAreNotThoseOfAnother(uint256 nonce) external {
        vm.prank(STRANGER);
        desk.invalidateNonce(nonce);
        vm.assertEq(desk.isNonceUsed(STRANGER, nonce), true);
        _send(_signed(nonce));
    }

    function test_aNonceIsWithdrawnByItsAccount(uint256 nonce) external {
        Signed memory told = _signed(nonce);
        vm.expectEmit(address(desk));
        emit IInferenceDesk.NonceInvalidated(_signer, nonce);
        vm.prank(_signer);
        desk.invalidateNonce(nonce);
        bytes memory refusal = abi.encodeWithSelector(IInferenceDesk.NonceUsed.selector, _signer, nonce);
        vm.expectRevert(refusal);
        _send(told);
        vm.expectRevert(refusal);
        vm.prank(_signer);
        desk.invalidateNonce(nonce);
        _send(_signed(~nonce));
    }

    function test_itIsTooLateToWithdrawANonceThatIsUsed(uint256 nonce) external {
        _send(_signed(nonce));
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.NonceUsed.selector, _signer, nonce));
        vm.prank(_signer);
        desk.invalidateNonce(nonce);
    }

    function test_aSignatureThatFailsUsesNoNonce() external {
        Signed memory told = _signed(0);
        ICoin(coin).ban(address(desk), true);
        vm.expectRevert(abi.encodeWithSignature("Banned(address)", address(desk)));
        _send(told);
        vm.assertEq(desk.isNonceUsed(_signer, 0), false);
        ICoin(coin).ban(address(desk), false);
        _send(told);
    }

    function test_aSignatureIsGoodUntilItsLastSecondAndNotAfterIt() external {
        Signed memory told = _signed(0);
        Signed memory late = _signed(1);
        vm.warp(VALID_UNTIL);
        _send(told);
        vm.warp(VALID_UNTIL + 1);
        _fund(coin, _signer, FEE);
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.SignatureExpired.selector, VALID_UNTIL));
        _send(late);
    }

    function test_theNativeCoinIsNotTakenFromASigner(uint128 fee) external {
        Signed memory told = _signed(0);
        (told.order.token, told.order.fee) = (NATIVE, fee);
        told.signature = _signature(KEY, _digest(told));
        vm.expectRevert(IInferenceDesk.TokenRequired.selector);
        _send(told);
    }

    function test_aSignedOrderIsCheckedAsAnyOther() external {
        Signed memory told = _signed(0);
        told.order.claimSeconds = 0;
        told.signature = _signature(KEY, _digest(told));
        vm.expectRevert(IInferenceDesk.NoTimeToFulfil.selector);
        _send(told);
    }

    /// @dev One bit of each word of the order, and of all else that is signed.
    function _isRefusedAfterAnyChange(Signed memory told) private {
        bytes memory order = abi.encode(told.order);
        for (uint256 word = 0; word < order.length / 32; ++word) {
            if (word == 6) continue; // the token; another one is below
            order[word * 32 + 31] ^= 0x01;
            told.order = abi.decode(order, (IInferenceDesk.Order));
            _isRefused(told);
            order[word * 32 + 31] ^= 0x01;
        }
        told.order = abi.decode(order, (IInferenceDesk.Order));

        told.order.token = STRANGER;
        _isRefused(told);
        told.order.token = coin;
        told.input[0] ^= 0x01;
        _isRefused(told);
        told.input[0] ^= 0x01;
        told.nonce ^= 1;
        _isRefused(told);
        told.nonce ^= 1;
        told.validUntil += 1;
        _isRefused(told);
        told.validUntil -= 1;
        told.signature[0] ^= 0x01;
        _isRefused(told);
        told.signature[0] ^= 0x01;
        _send(told);
    }

    /// @dev An order of the signer, who has the means for it.
    function _signed(uint256 nonce) private returns (Signed memory told) {
        _fund(coin, _signer, FEE);
        told = Signed(_order(coin, "commitment"), "input", _signer, nonce, VALID_UNTIL, "");
        told.signature = _signature(KEY, _digest(told));
    }

    function _signature(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _digest(Signed memory told) private view returns (bytes32) {
        return desk.digestOf(told.order, told.input, told.requester, told.nonce, told.validUntil);
    }

    function _expectedId(Signed memory told) private view returns (bytes32) {
        return keccak256(
            abi.encode(keccak256("proofbridge.request.v1"), block.chainid, address(desk), 0, told.requester, told.order)
        );
    }

    function _send(Signed memory told) private returns (bytes32) {
        return desk.requestFor(told.order, told.input, told.requester, told.nonce, told.validUntil, told.signature);
    }

    function _isRefused(Signed memory told) private {
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.SignatureRefused.selector, told.requester));
        _send(told);
    }
}
