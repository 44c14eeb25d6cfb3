// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib} from "../src/Circuit.sol";
import {InferenceDesk} from "../src/InferenceDesk.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {IInferenceDesk} from "../src/interfaces/IInferenceDesk.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {DeskStage} from "./DeskStage.sol";
import {ICoin, SilentCoin} from "./mocks/Coin.sol";
import {OddAccount} from "./mocks/OddAccount.sol";
import {OddCallback} from "./mocks/OddCallback.sol";

/// @dev Does to a desk what many accounts could do, in any order, and keeps books of its own. Every action says beforehand
/// whether the desk has to accept it, from these books and not from the desk; a desk that does otherwise fails the run.
contract DeskHandler is DeskStage {
    /// @dev What the books say of a request.
    struct Entry {
        bytes32 id;
        IInferenceDesk.Order order;
        address requester;
        address claimer;
        uint256 end;
        IInferenceDesk.State state;
        uint256 seed; // of the inference that fulfils it
        uint256 settled; // how often it was
        bytes output; // what it was fulfilled by
        bytes32 root; // of the batch it was a row of; zero for none
        bytes32[] path;
    }

    Entry[] internal entries;
    address[] internal tokens;
    address[] internal actors;
    uint256[] internal models; // the last one has two rows

    /// @notice How often each kind of action was accepted, to see that the run was worth something.
    mapping(bytes32 what => uint256) public done;

    /// @notice How often a signature was accepted, by signer and nonce.
    mapping(address signer => mapping(uint256 nonce => uint256)) public accepted;
    mapping(address signer => mapping(uint256 nonce => bool)) public withdrawn;

    /// @notice What an account has, in its own hands or as a credit, if the desk keeps to the rules.
    mapping(address token => mapping(address account => uint256)) public wealth;

    mapping(uint256 modelId => bool) private _refused;
    address[] private _callbacks;

    /// @dev The keys of the actors that sign are their positions, counted from one.
    uint256 private constant SIGNERS = 3;

    error Undone();

    constructor() {
        vm.warp(1_000_000);
        tokens.push(NATIVE);
        tokens.push(coin);
        tokens.push(address(new SilentCoin()));
        for (uint256 i = 0; i < SIGNERS; ++i) {
            actors.push(vm.addr(i + 1));
        }
        for (uint256 i = 0; i <= uint256(type(OddAccount.Mode).max); ++i) {
            OddAccount account = new OddAccount();
            account.behave(OddAccount.Mode(i));
            account.obey(address(desk), abi.encodeCall(IInferenceDesk.withdraw, (NATIVE, address(account))));
            actors.push(address(account));
        }
        _callbacks.push(address(0));
        for (uint256 i = 0; i <= uint256(type(OddCallback.Mode).max); ++i) {
            _callbacks.push(address(new OddCallback(OddCallback.Mode(i))));
        }
        _callbacks.push(STRANGER);

        models.push(model);
        for (uint256 i = 0; i < 2; ++i) {
            IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
            commitment.modelHash = keccak256(abi.encode(i));
            models.push(_register(commitment, _circuit()));
        }
        Circuit memory circuit = _twoRows();
        IERC7992Registry.ModelCommitment memory batched = _commitment(address(halo2));
        batched.circuitHash = CircuitLib.hash(circuit);
        models.push(_register(batched, circuit));
    }

    // What anybody does. Which account, which request and which of the wrong ways is drawn from the numbers.

    function ask(uint256 who, uint256 what, uint128 fee, uint128 bond, uint256 times) external {
        address requester = _actor(who);
        (IInferenceDesk.Order memory order, uint256 seed) = _anyOrder(what, fee, bond, times);
        uint256 value = _equip(order.token, requester, order.fee);
        bool expected = !_refused[order.modelId];
        vm.prank(requester);
        (bool success, bytes memory answer) =
            address(desk).call{value: value}(abi.encodeCall(IInferenceDesk.request, (order, "input")));
        _as("ask", expected, success);
        if (success) _enter(abi.decode(answer, (bytes32)), order, requester, seed);
    }

    function askSigned(uint256 who, uint256 what, uint128 fee, uint128 bond, uint256 nonce) external {
        uint256 key = 1 + who % SIGNERS;
        address requester = vm.addr(key);
        nonce = nonce % 8 * 100; // some again, in more than one word
        (IInferenceDesk.Order memory order, uint256 seed) = _anyOrder(what, fee, bond, nonce);
        _equip(order.token, requester, order.fee);
        bytes memory signature = _sign(key, desk.digestOf(order, "input", requester, nonce, block.timestamp));
        bool expected = order.token != NATIVE && accepted[requester][nonce] == 0 && !withdrawn[requester][nonce]
            && !_refused[order.modelId];
        (bool success, bytes memory answer) = address(desk)
            .call(
                abi.encodeCall(
                    IInferenceDesk.requestFor, (order, "input", requester, nonce, block.timestamp, signature)
                )
            );
        _as("askSigned", expected, success);
        if (!success) return;
        ++accepted[requester][nonce];
        _enter(abi.decode(answer, (bytes32)), order, requester, seed);
    }

    function invalidate(uint256 who, uint256 nonce) external {
        address account = vm.addr(1 + who % SIGNERS);
        nonce = nonce % 8 * 100;
        vm.prank(account);
        (bool success,) = address(desk).call(abi.encodeCall(IInferenceDesk.invalidateNonce, (nonce)));
        _as("invalidate", accepted[account][nonce] == 0 && !withdrawn[account][nonce], success);
        withdrawn[account][nonce] = true;
    }

    function claim(uint256 who, uint256 which) external {
        if (entries.length == 0) return;
        Entry storage entry = _entry(which, IInferenceDesk.State.Open);
        address claimer = _actor(who);
        uint256 value = _equip(entry.order.token, claimer, entry.order.bond);
        bool expected =
            entry.state == IInferenceDesk.State.Open && block.timestamp <= entry.end && !_refused[entry.order.modelId];
        vm.prank(claimer);
        (bool success,) = address(desk).call{value: value}(abi.encodeCall(IInferenceDesk.claim, (entry.id)));
        _as("claim", expected, success);
        if (!success) return;
        uint256 end = block.timestamp + entry.order.claimSeconds;
        if (end < entry.end) entry.end = end;
        (entry.claimer, entry.state) = (claimer, IInferenceDesk.State.Claimed);
        wealth[entry.order.token][claimer] -= entry.order.bond;
    }

    /// @param wrong Sent by somebody else, or with another output, in some cases.
    function fulfil(uint256 who, uint256 which, uint256 wrong) external {
        if (entries.length == 0) return;
        wrong = _dice(wrong);
        Entry storage entry = _entry(which, IInferenceDesk.State.Claimed);
        address sender = wrong % 4 == 0 || entry.claimer == address(0) ? _actor(who) : entry.claimer;
        Inference memory told = _told(entry, wrong % 16 == 1);
        bool recorded = ledger.isRecorded(_idOf(entry.order.modelId, told));
        bool provable = wrong % 16 != 1 && !_refused[entry.order.modelId] && entry.order.modelId != models[3];
        bool expected = _isDue(entry, sender) && (recorded || provable);
        vm.prank(sender);
        (bool success,) = address(desk).call(abi.encodeCall(IInferenceDesk.fulfil, (entry.id, told.output, told.proof)));
        _as("fulfil", expected, success);
        if (success) _fulfilled(entry, told.output);
    }

    /// @param second Another request of whatever account, which must not come through unless it would alone.
    function fulfilTwo(uint256 first, uint256 second) external {
        if (entries.length == 0) return;
        Entry storage one = _entry(first, IInferenceDesk.State.Claimed);
        Entry storage two = second % 4 == 0 ? _entry(second, IInferenceDesk.State.Claimed) : _sibling(one);
        address sender = one.claimer;
        bool expected = one.id != two.id;
        IInferenceDesk.Fulfilment[] memory many = new IInferenceDesk.Fulfilment[](2);
        for (uint256 i = 0; i < 2; ++i) {
            Entry storage entry = i == 0 ? one : two;
            Inference memory told = _told(entry, false);
            bool proven = ledger.isRecorded(_idOf(entry.order.modelId, told)) || !_refused[entry.order.modelId];
            expected = expected && _isDue(entry, sender) && proven && entry.order.modelId != models[3];
            many[i] = IInferenceDesk.Fulfilment(entry.id, told.output, told.proof);
        }
        vm.prank(sender);
        (bool success,) = address(desk).call(abi.encodeCall(IInferenceDesk.fulfilMany, (many)));
        _as("fulfilTwo", expected, success);
        if (!success) return;
        _fulfilled(one, many[0].output);
        _fulfilled(two, many[1].output);
    }

    function fulfilRow(uint256 which, uint256 wrong) external {
        if (entries.length == 0) return;
        Entry storage entry = _entry(which, IInferenceDesk.State.Claimed);
        (bytes32 root, bytes32[] memory path, bytes memory output) = _row(entry.seed);
        if (wrong % 4 == 0) output[0] ^= 0x01;
        else if (!_refused[models[3]]) _recordBatch(entry.seed);
        bool expected =
            _isDue(entry, entry.claimer) && entry.order.modelId == models[3] && wrong % 4 != 0 && _isBatch(root);
        IInferenceDesk.RowFulfilment[] memory rows = new IInferenceDesk.RowFulfilment[](1);
        rows[0] = IInferenceDesk.RowFulfilment(entry.id, path, output);
        vm.prank(entry.claimer);
        (bool success,) = address(desk).call(abi.encodeCall(IInferenceDesk.fulfilFromBatch, (root, rows)));
        _as("fulfilRow", expected, success);
        if (!success) return;
        (entry.root, entry.path) = (root, path);
        _fulfilled(entry, output);
    }

    function refund(uint256 who, uint256 which) external {
        if (entries.length == 0) return;
        Entry storage entry = _entry(which, IInferenceDesk.State(1 + which % 2));
        bool refusedModel = _refused[entry.order.modelId];
        bool claimed = entry.state == IInferenceDesk.State.Claimed;
        bool held = claimed || entry.state == IInferenceDesk.State.Open;
        bool expected = held && (block.timestamp > entry.end || (!claimed && refusedModel));
        vm.prank(_actor(who));
        (bool success,) = address(desk).call(abi.encodeCall(IInferenceDesk.refund, (entry.id)));
        _as("refund", expected, success);
        if (success) _refunded(entry, claimed, refusedModel);
    }

    function withdraw(uint256 who) external {
        (address token, address account) = _creditor(who);
        // With a limit for the account that burns all it gets; enough for the one that needs much.
        (bool success,) = address(desk).call{gas: 500_000}(abi.encodeCall(IInferenceDesk.withdraw, (token, account)));
        if (success) ++done["withdraw"];
    }

    function withdrawTo(uint256 who) external {
        (address token, address account) = _creditor(who);
        uint256 credit = desk.creditOf(token, account);
        vm.prank(account);
        (bool success,) = address(desk).call(abi.encodeCall(IInferenceDesk.withdrawTo, (token, STRANGER)));
        _as("withdrawTo", credit != 0, success);
        if (success) wealth[token][account] -= credit;
    }

    /// @dev Anybody may record anything that is true, at any time.
    function record(uint256 which) external {
        if (entries.length == 0) return;
        Entry storage entry = _entry(which, IInferenceDesk.State.Claimed);
        if (_refused[entry.order.modelId]) return;
        if (entry.order.modelId == models[3]) {
            _recordBatch(entry.seed);
        } else {
            Inference memory told = _told(entry, false);
            ledger.verifyAndStoreInference(entry.order.modelId, told.inputCommitment, told.output, told.proof);
        }
        ++done["record"];
    }

    // What happens besides.

    /// @dev Somewhat; or to the last second of a claim, or to the second after it, where mistakes would be.
    function pass(uint256 time, uint256 which) external {
        time = _dice(time);
        uint256 target = vm.getBlockTimestamp() + time % 1 hours;
        if (time % 2 == 0 && entries.length != 0) {
            uint256 end = _entry(which, IInferenceDesk.State.Claimed).end;
            if (end >= vm.getBlockTimestamp()) target = end + time / 2 % 2;
        }
        vm.warp(target);
    }

    /// @dev Rarely, or nothing else would happen.
    function refuseModel(uint256 which, bool stop) external {
        which = _dice(which);
        if (which % 16 != 0) return;
        uint256 modelId = models[which / 16 % models.length];
        if (_refused[modelId]) return;
        model = modelId;
        if (stop && modelId != models[3]) _stopModel();
        else _deprecate();
        _refused[modelId] = true;
        ++done["refuseModel"];
    }

    function ban(uint256 who, uint256 which, bool banned) external {
        ICoin(tokens[1 + which % 2]).ban(_actor(who), banned);
    }

    // What the invariants read.

    function count() external view returns (uint256) {
        return entries.length;
    }

    function entryOf(uint256 index) external view returns (Entry memory) {
        return entries[index];
    }

    function accounts() external view returns (address[] memory) {
        return actors;
    }

    function assets() external view returns (address[] memory) {
        return tokens;
    }

    function parts() external view returns (InferenceDesk, IInferenceLedger) {
        return (desk, ledger);
    }

    /// @notice Whether every account has, in its hands or as a credit, what the rules give it.
    function checkWealth() public view {
        for (uint256 i = 0; i < tokens.length; ++i) {
            for (uint256 j = 0; j < actors.length; ++j) {
                uint256 has = _balance(tokens[i], actors[j]) + desk.creditOf(tokens[i], actors[j]);
                vm.assertEq(has, wealth[tokens[i]][actors[j]]);
            }
        }
    }

    /// @notice Whether the desk refunds every request that is past its end, to whom it should: reverts with `Undone` if so.
    function refundAll() external {
        uint256 time = vm.getBlockTimestamp();
        vm.warp(time + 100 days);
        for (uint256 i = 0; i < entries.length; ++i) {
            IInferenceDesk.State state = entries[i].state;
            if (state == IInferenceDesk.State.Open || state == IInferenceDesk.State.Claimed) {
                desk.refund(entries[i].id);
                _assertState(entries[i].id, IInferenceDesk.State.Refunded);
                _refunded(entries[i], state == IInferenceDesk.State.Claimed, _refused[entries[i].order.modelId]);
            }
        }
        checkWealth();
        vm.warp(time);
        revert Undone();
    }

    function _register(IERC7992Registry.ModelCommitment memory commitment, Circuit memory circuit)
        private
        returns (uint256 modelId)
    {
        vm.prank(OWNER);
        modelId = registry.registerModel(commitment);
        ezkl.bind(modelId, circuit, address(halo2));
    }

    function _equip(address token, address account, uint256 amount) private returns (uint256) {
        wealth[token][account] += amount;
        return _fund(token, account, amount);
    }

    function _as(bytes32 what, bool expected, bool success) private {
        vm.assertEq(success, expected);
        if (success) ++done[what];
    }

    function _anyOrder(uint256 what, uint128 fee, uint128 bond, uint256 times)
        private
        view
        returns (IInferenceDesk.Order memory order, uint256 seed)
    {
        // Few seeds, so that some requests are for the same inference.
        (what, times) = (_dice(what), _dice(times));
        seed = what % 6;
        order.modelId = models[what >> 8 & 3];
        order.inputCommitment = order.modelId == models[3]
            ? ledger.commitmentOf(_words(_instances(seed / 2), seed % 2 * 2, seed % 2 * 2 + 2))
            : ledger.commitmentOf(_words(_instances(seed), 0, INPUTS));
        order.token = tokens[(what >> 16) % tokens.length];
        order.callback = _callbacks[(what >> 24) % _callbacks.length];
        order.callbackGas = order.callback == address(0) ? 0 : 150_000;
        order.deadline = uint48(block.timestamp + times % 3 hours);
        order.claimSeconds = uint32(1 + (times >> 32) % 1 hours);
        (order.fee, order.bond) = (fee % 4 == 0 ? 0 : fee, bond % 4 == 0 ? 0 : bond);
    }

    function _enter(bytes32 id, IInferenceDesk.Order memory order, address requester, uint256 seed) private {
        Entry storage entry = entries.push();
        (entry.id, entry.order, entry.requester, entry.seed) = (id, order, requester, seed);
        (entry.end, entry.state) = (order.deadline, IInferenceDesk.State.Open);
        wealth[order.token][requester] -= order.fee;
    }

    function _isDue(Entry storage entry, address sender) private view returns (bool) {
        return entry.state == IInferenceDesk.State.Claimed && entry.claimer == sender && block.timestamp <= entry.end;
    }

    function _fulfilled(Entry storage entry, bytes memory output) private {
        (entry.state, entry.output) = (IInferenceDesk.State.Fulfilled, output);
        ++entry.settled;
        wealth[entry.order.token][entry.claimer] += uint256(entry.order.fee) + entry.order.bond;
    }

    function _refunded(Entry storage entry, bool claimed, bool refusedModel) private {
        entry.state = IInferenceDesk.State.Refunded;
        ++entry.settled;
        wealth[entry.order.token][entry.requester] += entry.order.fee;
        if (claimed) {
            wealth[entry.order.token][refusedModel ? entry.claimer : entry.requester] += entry.order.bond;
        }
    }

    /// @dev A true inference of the model of a request, or a false one; nonsense for rows, which have no proof of their own.
    function _told(Entry storage entry, bool wrong) private view returns (Inference memory told) {
        told = _inference(_instances(entry.seed));
        if (wrong) told.output[0] ^= 0x01;
    }

    function _idOf(uint256 modelId, Inference memory told) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(modelId, told.inputCommitment, told.output));
    }

    /// @dev The row that a seed stands for, of the batch that half of it stands for.
    function _row(uint256 seed) private view returns (bytes32 root, bytes32[] memory path, bytes memory output) {
        uint256[] memory instances = _instances(seed / 2);
        bytes32[] memory leaves = new bytes32[](2);
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory words = abi.encodePacked(_words(instances, INPUTS + 2 * i, INPUTS + 2 * i + 2));
            bytes32 input = ledger.commitmentOf(_words(instances, 2 * i, 2 * i + 2));
            leaves[i] = keccak256(abi.encodePacked(keccak256(abi.encodePacked(models[3], input, words))));
            if (i == seed % 2) output = words;
        }
        path = new bytes32[](1);
        path[0] = leaves[1 - seed % 2];
        root = leaves[0] < leaves[1]
            ? keccak256(abi.encodePacked(leaves[0], leaves[1]))
            : keccak256(abi.encodePacked(leaves[1], leaves[0]));
    }

    function _recordBatch(uint256 seed) private {
        uint256[] memory instances = _instances(seed / 2);
        ledger.verifyAndStoreBatch(models[3], _twoRows(), abi.encode(instances, halo2.mockProve(instances)));
    }

    function _isBatch(bytes32 root) private view returns (bool) {
        try ledger.batchOf(root) {
            return true;
        } catch {
            return false;
        }
    }

    function _twoRows() private pure returns (Circuit memory circuit) {
        circuit = _circuit();
        circuit.rows = 2;
    }

    function _sign(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _actor(uint256 who) private view returns (address) {
        return actors[_dice(who) % actors.length];
    }

    /// @dev Mostly one in this state, if there is any; otherwise the action would nearly always be refused.
    function _entry(uint256 which, IInferenceDesk.State state) private view returns (Entry storage) {
        which = _dice(which);
        for (uint256 i = 0; which % 8 != 0 && i < entries.length; ++i) {
            Entry storage entry = entries[(which / 8 + i) % entries.length];
            if (entry.state == state) return entry;
        }
        return entries[which / 8 % entries.length];
    }

    /// @dev Another that the same account has claimed, if there is any.
    function _sibling(Entry storage entry) private view returns (Entry storage) {
        for (uint256 i = 0; i < entries.length; ++i) {
            Entry storage other = entries[i];
            if (other.state == entry.state && other.claimer == entry.claimer && other.id != entry.id) return other;
        }
        return entry;
    }

    /// @dev An account that has a credit, if there is any.
    function _creditor(uint256 who) private view returns (address token, address account) {
        who = _dice(who);
        for (uint256 i = 0; i < tokens.length * actors.length; ++i) {
            token = tokens[(who + i) % tokens.length];
            account = actors[(who + i) / tokens.length % actors.length];
            if (desk.creditOf(token, account) != 0) break;
        }
    }

    /// @dev The numbers that forge makes up are not spread evenly.
    function _dice(uint256 number) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(number))) >> 1;
    }
}
