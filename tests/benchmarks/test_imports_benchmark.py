"""The benchmark of export files reads what it writes, in either form."""

import json

import pytest


@pytest.fixture
def imports(modules):
    """The script, as a module."""
    return modules("imports")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_both_sides_read_every_row(imports, tmp_path, form):
    """Ours gives an order for each row and no defect, and the bare loop sees as many rows; both end otherwise."""
    path = tmp_path / f"orders.{form}"
    imports.write(path, 40)
    imports.read(path, 40)
    imports.bare(path, 40)
    for side in (imports.read, imports.bare):
        with pytest.raises(SystemExit):
            side(path, 41)


def test_the_figures_come_in_the_promised_shape(imports, tmp_path, capsys):
    """One JSON object names the figure with its ratio to the bare loop, and no file stays behind."""
    imports.main(["--rows", "30", "--json", "--only", "import.csv.rows_s", "--dir", str(tmp_path)])
    (figure,) = json.loads(capsys.readouterr().out)["figures"]
    assert (figure["name"], figure["unit"], figure["better"]) == ("import.csv.rows_s", "rows/s", "higher")
    assert figure["ratio"] > 0
    assert list(tmp_path.iterdir()) == []


def test_the_peak_is_that_of_a_process_of_its_own(imports, tmp_path):
    """Reading little takes tens of megabytes, whatever this process holds."""
    path = tmp_path / "orders.csv"
    imports.write(path, 30)
    held = bytearray(120 << 20)
    assert 10 < imports.peak_mb("ours", path, 30) < 100
    assert len(held) == 120 << 20
