"""What is exported as Parquet is read back by the reader that most of the field uses."""

import datetime
from decimal import Decimal

import pyarrow.parquet
import pytest

import stack
from scripted import SCRIPTS
from test_records import ask_openai

SCRIPT = "cached"


@pytest.fixture
def table(gate, openai_client, tmp_path):
    """Today's costs, after a call that is surely among them."""
    stack.entry(gate, ask_openai(openai_client, "on-openai", SCRIPT, False))
    path = tmp_path / "costs.parquet"
    gate.run("export", "parquet", "--from", "1d", "--out", path)
    return pyarrow.parquet.read_table(path)


def test_agp_r2_pyarrow_reads_exact_amounts(gate, table):
    entries = [line["entry"] for line in gate.json("ledger", "show", "--last", "1000")]
    assert table.schema.field("BilledCost").type == pyarrow.decimal128(38, 9)
    billed = sum(table["BilledCost"].to_pylist())
    assert billed == Decimal(sum(entry["cost"] for entry in entries)) / 10**9
    assert billed >= Decimal(stack.cost(SCRIPTS[SCRIPT])) / 10**9


def test_pyarrow_reads_times_and_text(table):
    assert table.schema.field("ChargePeriodStart").type == pyarrow.timestamp("ms", tz="UTC")
    for start, end in zip(table["ChargePeriodStart"].to_pylist(), table["ChargePeriodEnd"].to_pylist()):
        assert end - start == datetime.timedelta(days=1)
    assert set(table["ServiceProviderName"].to_pylist()) >= {"plays-openai"}
    assert None not in table["BillingAccountId"].to_pylist()
