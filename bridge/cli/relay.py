"""proofbridge relay: requests into the journal, a relayer that works them off, and how it stands."""

from __future__ import annotations

import datetime as dt
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge import operation, verbs
from bridge.chain.preset import GWEI
from bridge.cli import options
from bridge.cli.events import log_events
from bridge.cli.screen import Screen, short
from bridge.cli.stopping import until_stopped
from bridge.core.rows import Row
from bridge.errors import OptionInvalid
from bridge.operation import Plan, Status
from bridge.relay.cluster import work_for
from bridge.relay.job import Job, State
from bridge.relay.metrics import Metrics
from bridge.relay.pace import Pace
from bridge.relay.purse import Caps
from bridge.relay.terms import Terms

app = typer.Typer(help="Requests in, verified records out, nothing lost whatever breaks.", no_args_is_help=True)

_WEI = 10**18
_RECORDED = frozenset({State.MINED, State.FINAL})

Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="PROOFBRIDGE_DATABASE",
        show_envvar=True,
        help="sqlite:///FILE or postgresql://HOST/NAME. [default: a file of proofbridge's own]",
    ),
]
Store = Annotated[
    str | None,
    typer.Option(
        "--store", help="Folder or URL (s3://…, gs://…) of rows, proofs, bundles. [default: beside the journal]"
    ),
]


@app.command("add", epilog="Example: proofbridge relay add bundles/digits-… --input rows.csv --chain anvil")
@options.reads_chain
def add(
    directory: options.BundleDir,
    target: options.Target,
    input: options.InputFile,
    row: options.RowNumber = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Idempotency key; else asking for the same again is the same job.")
    ] = None,
    within: Annotated[float | None, typer.Option("--within", min=0, help="Seconds in which it is wanted.")] = None,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for the records.")] = 0.0,
    database: Database = None,
    store: Store = None,
    as_json: options.Json = False,
) -> None:
    """Ask for the inference of every row of a file; a relayer proves and records them."""
    screen = Screen(as_json=as_json)
    bundle = verbs.show_model(directory)
    rows: tuple[Row, ...] = verbs.read_input(bundle, input)
    if row is not None:
        if row > len(rows):
            raise OptionInvalid(option="--row", got=str(row), expected=f"a number from 1 to {len(rows)}")
        rows = rows[row - 1 : row]
    connection, plan = target(), _plan(database, store)
    deadline = None if within is None else time.time() + within
    with screen.working() as progress:
        progress("writing the request down")
        jobs = operation.request(bundle, rows, connection, plan, key=key, deadline=deadline)
        if wait:
            progress("waiting for the records")
            jobs = operation.wait_for(jobs, plan, _RECORDED, timeout=wait)
    if as_json:
        screen.document({"jobs": [_document(job) for job in jobs]})
        return
    _table(screen, "Asked for", jobs)


@app.command(
    "run", epilog="Example: proofbridge relay run --chain sepolia --account alice --account bob --metrics-port 9464"
)
@options.reads_chain
def run(
    target: options.Target,
    account: Annotated[
        list[str] | None,
        typer.Option("--account", help="A key that pays: as elsewhere, and once for each key. Nonces are kept by key."),
    ] = None,
    password_file: options.PasswordFile = None,
    database: Database = None,
    store: Store = None,
    also: Annotated[list[str] | None, typer.Option("--also-rpc", help="One more node of the chain.")] = None,
    quorum: Annotated[int, typer.Option("--quorum", min=1, help="Nodes that have to agree.")] = 1,
    proofs: Annotated[int, typer.Option("--proofs", min=1, help="Proofs at once.")] = 1,
    executor: Annotated[
        str | None, typer.Option("--executor", help="tcp://HOST:8786: prove on the workers of a Dask scheduler.")
    ] = None,
    serve: Annotated[
        list[Path] | None,
        typer.Option("--serve", help="A bundle: requests at the desk for its model are taken. Once for each model."),
    ] = None,
    min_profit: Annotated[
        float, typer.Option("--min-profit-ether", help="What has to be left of the fee of a request at least.")
    ] = 0.0,
    second_cost: Annotated[
        float, typer.Option("--second-ether", min=0, help="What a second of proving costs you.")
    ] = 0.0,
    max_bond: Annotated[
        float, typer.Option("--max-bond-ether", min=0, help="What may be deposited for one request.")
    ] = 1.0,
    batch_age: Annotated[float, typer.Option("--batch-age", min=0, help="Seconds that a batch waits to fill.")] = 2.0,
    in_flight: Annotated[int, typer.Option("--in-flight", min=1, help="Transactions of a key under way.")] = 16,
    max_fee_gwei: Annotated[float, typer.Option("--max-fee-gwei", min=0, help="For one gas.")] = 500.0,
    max_transaction: Annotated[
        float | None, typer.Option("--max-transaction-ether", min=0, help="What one transaction may cost.")
    ] = None,
    max_hour: Annotated[
        float | None, typer.Option("--max-hour-ether", min=0, help="What a key may spend in an hour.")
    ] = None,
    outbid_after: Annotated[
        float, typer.Option("--outbid-after", min=1, help="Seconds until an offer that nobody mines is raised.")
    ] = 30.0,
    drain: Annotated[float, typer.Option("--drain", min=0, help="Seconds to finish proofs in when stopped.")] = 60.0,
    metrics_port: Annotated[
        int | None,
        typer.Option("--metrics-port", min=0, max=65535, help="Serve /metrics, /livez, /readyz on loopback."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Prove what is asked for and record it, until stopped; a second relayer on the same database takes over."""
    log_events(as_json=as_json)
    connection = target()
    caps = Caps(
        max_fee_wei=round(max_fee_gwei * GWEI),
        transaction_wei=_wei(max_transaction),
        hour_wei=_wei(max_hour),
        in_flight=in_flight,
        outbid_after=outbid_after,
        fill_after=outbid_after,
    )
    plan = _plan(
        database,
        store,
        caps=caps,
        others=tuple(also or ()),
        quorum=quorum,
        accounts=tuple(account or ()),
        executor=executor,
        serves=tuple(verbs.show_model(directory) for directory in serve or ()),
        terms=Terms(profit=round(min_profit * _WEI), second=round(second_cost * _WEI), bond=round(max_bond * _WEI)),
        pace=Pace(proofs=proofs, batch_age=batch_age, drain=drain, tick=0.05 if connection.preset.is_local else 1.0),
    )
    connection = options.with_password(connection, password_file)
    metrics = Metrics()
    with until_stopped() as stop, nullcontext() if metrics_port is None else metrics.served(metrics_port):
        operation.relay(connection, plan, stop, metrics=metrics)
    told = operation.status(connection, plan)
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document({"chain_id": told.chain_id, "jobs": _counts(told)})
        return
    screen.text(_sentence(told, connection.preset.title))


@app.command("status", epilog="Example: proofbridge relay status --chain sepolia")
@options.reads_chain
def status(
    target: options.Target,
    database: Database = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Jobs to show.")] = 10,
    as_json: options.Json = False,
) -> None:
    """Say how the relayer of a chain stands."""
    screen = Screen(as_json=as_json)
    connection = target()
    told = operation.status(connection, _plan(database, None), limit=limit)
    if as_json:
        screen.document(
            {
                "chain_id": told.chain_id,
                "holder": told.holder,
                "jobs": _counts(told),
                "keys": told.purses,
                "newest": [_document(job) for job in told.newest],
            }
        )
        return
    screen.text(_sentence(told, connection.preset.title))
    for purse in told.purses:
        screen.text(
            f"{purse.address} has {purse.balance_wei / _WEI:.6g} ether, {purse.in_flight} transactions under way, and "
            f"spent {purse.spent_hour_wei / _WEI:.6g} in the last hour."
        )
    if told.newest:
        _table(screen, "Newest", told.newest)


@app.command("show", epilog="Example: proofbridge relay show 0123456789abcdef0123456789abcdef")
def show(
    job_id: Annotated[str, typer.Argument(metavar="JOB", help="Its id, as `add` and `status` show it.")],
    database: Database = None,
    as_json: options.Json = False,
) -> None:
    """One job, step by step."""
    screen = Screen(as_json=as_json)
    job, history = operation.history(job_id, _plan(database, None))
    if as_json:
        steps = [{"state": state, "at": at, "note": note} for state, at, note in history]
        screen.document({**_document(job), "history": steps})
        return
    _table(screen, f"Job {job.id}", [job])
    started = history[0][1]
    rows = [[state.value, _time(at), f"{at - started:.2f} s", note] for state, at, note in history]
    screen.table("Steps", {"state": "left", "at": "left", "after": "right", "": "left"}, rows)


def worker(
    scheduler: Annotated[str, typer.Argument(metavar="tcp://HOST:8786", help="A Dask scheduler.")],
    proofs: Annotated[int, typer.Option("--proofs", min=1, help="Proofs at once.")] = 1,
    memory: Annotated[str, typer.Option("--memory", help="Memory that it may take: 8GB; auto: its share.")] = "auto",
    as_json: options.Json = False,
) -> None:
    """Prove on this machine for a relayer elsewhere. Example: proofbridge worker tcp://10.0.0.1:8786 --memory 8GB."""
    work_for(scheduler, proofs=proofs, memory=memory)
    if as_json:
        Screen(as_json=True).document({"scheduler": scheduler, "proofs": proofs})


def _plan(database: str | None, store: str | None, **more: Any) -> Plan:
    given = {name: value for name, value in (("database", database), ("store", store)) if value is not None}
    return Plan(**{"caps": Caps(max_fee_wei=500 * GWEI), **given, **more})


def _wei(ether: float | None) -> int | None:
    return None if ether is None else round(ether * _WEI)


def _counts(told: Status) -> dict[str, int]:
    return {state.value: told.counts.get(state, 0) for state in State}


def _sentence(told: Status, chain: str) -> str:
    counts = told.counts
    proving = sum(counts.get(state, 0) for state in (State.REQUESTED, State.WITNESSED, State.PROVED))
    sending = sum(counts.get(state, 0) for state in (State.CHECKED, State.SIGNED, State.SENT))
    who = f"{told.holder} acts for {chain}" if told.holder else f"No relayer acts for {chain}"
    return (
        f"{who}: {proving} to be proved, {sending} on their way, {counts.get(State.MINED, 0)} mined and not final, "
        f"{counts.get(State.FINAL, 0)} final, {counts.get(State.FAILED, 0)} failed."
    )


def _table(screen: Screen, title: str, jobs: tuple[Job, ...] | list[Job]) -> None:
    columns = dict.fromkeys(("job", "model", "state", "record", "since", "why"), "left")
    rows = [
        [
            job.id,
            short(job.request.model_id),
            job.state.value,
            short(job.inference_id or ""),
            _time(job.changed_at),
            " ".join(filter(None, (job.reason, job.evidence)))[:200],
        ]
        for job in jobs
    ]
    screen.table(title, columns, rows)


def _document(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "idempotency_key": job.idempotency_key,
        "model_id": job.request.model_id,
        "state": job.state.value,
        "reason": job.reason,
        "evidence": job.evidence,
        "tries": job.tries,
        "inference_id": job.inference_id,
        "statement": job.statement,
        "tx_hash": job.tx_hash,
        "block_number": job.block_number,
        "created_at": job.created_at,
        "changed_at": job.changed_at,
    }


def _time(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
