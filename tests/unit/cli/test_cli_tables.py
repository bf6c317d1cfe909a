import pytest

from libs.sheets.tables import TableUnreadable, read_rows, write_rows


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
def test_what_was_written_is_read_back(tmp_path, name):
    written = write_rows(tmp_path / name, ["标题", "人数"], [["示例讲座", 120], ["第二", 3]])
    rows = read_rows(tmp_path / name)
    assert written == 2
    assert [dict(row.cells) for row in rows] == [
        {"标题": "示例讲座", "人数": "120"},
        {"标题": "第二", "人数": "3"},
    ]
    assert [row.number for row in rows] == [2, 3]


def test_blank_rows_are_left_out_and_keep_the_numbers_of_the_sheet(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n,\n3,4\n", encoding="utf-8")
    assert [row.number for row in read_rows(tmp_path / "a.csv")] == [2, 4]


def test_a_cell_may_hold_a_line_end(tmp_path):
    (tmp_path / "a.csv").write_text('a,b\n"1\n2",3\n', encoding="utf-8")
    (row,) = read_rows(tmp_path / "a.csv")
    assert row.cells == {"a": "1\n2", "b": "3"}


def test_csv_of_chinese_excel_is_read(tmp_path):
    (tmp_path / "a.csv").write_bytes("场所,人数\n示例小学,3\n".encode("gb18030"))
    (row,) = read_rows(tmp_path / "a.csv")
    assert row.cells["场所"] == "示例小学"


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
def test_text_that_looks_like_a_formula_is_harmless(tmp_path, name):
    write_rows(tmp_path / name, ["a"], [["=HYPERLINK(1)"]])
    (row,) = read_rows(tmp_path / name)
    assert row.cells["a"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", b"x"), ("a.csv", b""), ("a.csv", b"a,a\n1,2\n"), ("a.xlsx", b"no zip"), ("a.csv", b"\xff\xff\x00")],
)  # fmt: skip
def test_what_is_no_table_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableUnreadable):
        read_rows(tmp_path / name)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(TableUnreadable, match="no such file"):
        read_rows(tmp_path / "none.csv")


def test_an_oversized_cell_is_cut(tmp_path):
    (tmp_path / "a.csv").write_text("a\n" + "x" * 50_000 + "\n", encoding="utf-8")
    (row,) = read_rows(tmp_path / "a.csv")
    assert len(row.cells["a"]) == 10_000


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.csv"
    write_rows(path, ["a"], [["old"]])

    def broken():
        yield ["new"]
        raise RuntimeError("the source failed")

    with pytest.raises(RuntimeError):
        write_rows(path, ["a"], broken())
    assert [row.cells["a"] for row in read_rows(path)] == ["old"]
