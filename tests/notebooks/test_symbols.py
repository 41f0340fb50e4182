r"""The table of symbols in notebook 00 holds for every formula of every notebook, in both directions.

A row says `| $symbol$ | meaning | code name | notebooks |`. It may hold several symbols, `$Q, K, V$`, of each of which
the first letter counts: `$c(h\,w)$` is the row of c. Notebooks are the numbers in their file names, `01, 01b`, also of
notebooks that are still to come, or `all` for what is said where it is used (the row of i and j).

In a formula, a symbol is a letter, a Greek letter, a styled letter such as `\mathcal{V}`, or a word in `\mathrm` that
has a row. Its subscript belongs to its name when a row says so (`d_k`, `W_q`); else it is an index, whose own letters
need a row (`w_{t-1}` needs w and t), or a word that describes (`P_{\mathrm{add}}` needs P). Other commands (`\log`,
`\text{...}`, accents) are no symbols, nor are the constants e, pi and the sets of numbers. The d of an integral is
`\mathrm{d}`.

The guards are functions from a table and the formulas of all notebooks to complaints; the second half of this file
breaks a small good course in one way at a time.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
CONTENTS = "00_start_here.ipynb"
TABLE_CELL = "symbol-table"
EVERYWHERE = "all"
GREEK = re.compile(
    "(?:var)?(?:[Aa]lpha|[Bb]eta|[Gg]amma|[Dd]elta|epsilon|zeta|eta|[Tt]heta|iota|kappa|[Ll]ambda|mu|nu|[Xx]i|[Pp]i|rho"
    "|[Ss]igma|tau|[Uu]psilon|[Pp]hi|chi|[Pp]si|[Oo]mega|ell)"
)
STYLES = {"mathcal", "mathbb", "mathbf", "mathscr", "mathfrak", "mathsf", "boldsymbol", "bm"}
WORDS = {"mathrm", "text", "textrm", "textbf", "textit", "texttt", "mathit", "mbox", "operatorname"}
WITH_ARGUMENT = {"begin", "end", "tag", "label", "color", "hspace", "vspace", "href"}  # whose argument is no formula
CONSTANTS = {"e", r"\pi", *(rf"\mathbb{{{letter}}}" for letter in "RNZE")}
CODE = re.compile(r"```.*?```|~~~.*?~~~|``.+?``|`[^`\n]+`", re.DOTALL)
FORMULA = re.compile(r"(?<!\\)\$\$(.+?)(?<!\\)\$\$|(?<!\\)\$([^$]+?)(?<!\\)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)", re.DOTALL)
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[A-Za-z]|[{}_^]|\d+|\s+|.", re.DOTALL)
ROW = re.compile(r"^\|\s*(\$.*)\|\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Symbol:
    """One symbol of a formula: its base, and its subscript as written without braces, spaces and fonts."""

    base: str
    subscript: str = ""
    letters: tuple["Symbol", ...] = ()  # the symbols in the subscript
    is_word: bool = False  # the base is a word, `\mathrm{PPL}`: it needs no row, but may have one

    def __str__(self):
        if not self.subscript:
            return self.base
        return f"{self.base}_{self.subscript}" if len(self.subscript) == 1 else f"{self.base}_{{{self.subscript}}}"


@dataclass
class Row:
    """One row of the table, as written and as read."""

    cell: str
    notebooks: list[str]
    symbols: list[Symbol]
    used: dict[str, set[Symbol]] = field(default_factory=dict)  # notebook -> which of the symbols its formulas hold

    @property
    def is_everywhere(self):
        return self.notebooks == [EVERYWHERE]

    def is_for(self, notebook):
        return self.is_everywhere or notebook in self.notebooks


def tokens(latex):
    return TOKEN.findall(re.sub(r"(?<!\\)%.*|(?<=\\\\)\[[^]]*\]", "", latex))  # comments, the height of a new line


def group(parts, start):
    """The tokens of the argument at `start`, and the place after it: what braces hold, or one token."""
    while start < len(parts) and parts[start].isspace():
        start += 1
    if start == len(parts) or parts[start] != "{":
        return parts[start : start + 1], start + 1
    depth, end = 0, start
    for end in range(start, len(parts)):
        depth += {"{": 1, "}": -1}.get(parts[end], 0)
        if depth == 0:
            break
    return parts[start + 1 : end], end + 1


def symbols(latex):
    """The symbols of a formula in the order in which they stand."""
    return list(_symbols(tokens(latex)))


def _symbols(parts):
    place = 0
    while place < len(parts):
        part, place = parts[place], place + 1
        name = part[1:]
        base, is_word = None, False
        if part.startswith("\\") and name in WORDS | STYLES | WITH_ARGUMENT:
            argument, place = group(parts, place)
            text = "".join(argument).strip()
            if name in STYLES:
                base = rf"\{name}{{{text}}}"
            elif name == "mathrm" and text.isalpha():
                base, is_word = text, True
        elif (part.isascii() and part.isalpha()) or (part.startswith("\\") and GREEK.fullmatch(name)):
            base = part
        if base is None:
            continue
        after = place
        while after < len(parts) and (parts[after].isspace() or parts[after] == "'"):
            after += 1
        subscript = []
        if after < len(parts) and parts[after] == "_":
            subscript, place = group(parts, after + 1)
        yield Symbol(base, _plain(subscript), tuple(_symbols(subscript)), is_word)


def _plain(parts):
    text = "".join(parts)
    text = re.sub(rf"\\(?:{'|'.join(WORDS)})(?![A-Za-z])", "", text)
    return re.sub(r"[{}\s]|\\[,;:! ]|\\(?:quad|qquad)(?![A-Za-z])", "", text)


def formulas(source):
    """The formulas of a markdown cell; code and the rows of a table of symbols are no formulas."""
    return ["".join(found) for found in FORMULA.findall(CODE.sub(" ", source))]


def number(path):
    """The number of a notebook, "01b", from its file's name."""
    return path.name.partition("_")[0]


def read_table(notebook):
    """The rows of the table in a notebook; one that has not four fields is a row without a notebook."""
    rows = []
    for line in (line for cell in notebook.cells if cell.id == TABLE_CELL for line in ROW.findall(cell.source)):
        cell, *fields = (part.strip() for part in line.split("|"))
        names = [name.strip() for name in fields[2].split(",")] if len(fields) == 3 else []
        rows.append(Row(cell, names, [first for first in _firsts(cell) if first]))
    return rows


def _firsts(cell):
    """The first symbol of each part between commas, of commas outside of brackets and braces."""
    for formula in formulas(cell):
        part, depth = [], 0
        for token in [*tokens(formula), ","]:
            depth += token in ("(", "{")
            depth -= token in (")", "}")
            if token == "," and depth == 0:
                yield next(_symbols(part), None)
                part = []
            else:
                part.append(token)


def read_course(folder):
    """The rows of the table, and for each notebook the formulas of each markdown cell with the cell's id."""
    rows, course = [], {}
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        rows += read_table(notebook) if path.name == CONTENTS else []
        course[number(path)] = [
            (cell.id, formula)
            for cell in notebook.cells
            if cell.cell_type == "markdown" and cell.id != TABLE_CELL
            for formula in formulas(cell.source)
        ]
    return rows, course


def homes(symbol, rows):
    """Where the table says a symbol: rows and their symbols. By its full name; an indexed one else by its base."""
    said = [(row, one) for row in rows for one in row.symbols]
    same = [(row, one) for row, one in said if str(one) == str(symbol)]
    if same or not symbol.subscript:
        return same
    indexed = [(row, one) for row, one in said if one.base == symbol.base and is_index(one, rows)]
    return indexed + [(row, one) for row, one in said if str(one) == symbol.base]


def is_index(symbol, rows):
    """Whether the subscript of a symbol in the table says a place (w_t, u_i) and not a name (d_k)."""
    places = {"t", *(one.base for row in rows if row.is_everywhere for one in row.symbols)}
    return bool(symbol.letters) and {letter.base for letter in symbol.letters} <= places


def unknown(symbol, notebook, rows):
    """Say what of a symbol has no row for this notebook, None when all has one; note the use of the rows."""
    found = homes(symbol, rows)
    mine = [(row, one) for row, one in found if row.is_for(notebook)]
    if not mine and found:
        places = "; ".join(dict.fromkeys(f"{row.cell} is for {', '.join(row.notebooks)}" for row, _ in found))
        return f"{symbol} has a row, but not for this notebook ({places})"
    if not mine:
        return None if symbol.is_word or str(symbol) in CONSTANTS else f"{symbol} has no row"
    for row, one in mine:
        if str(one) == str(mine[0][1]):
            row.used.setdefault(notebook, set()).add(one)
    if str(mine[0][1]) == str(symbol):
        return None
    for letter in symbol.letters:
        if not letter.is_word and (problem := unknown(letter, notebook, rows)):
            return f"{symbol} has no row, and read as an index (words go into \\mathrm): {problem}"
    return None


def guard_every_symbol_has_a_row(rows, course):
    for notebook, found in course.items():
        said = {}
        for cell, formula in found:
            for symbol in symbols(formula):
                if problem := unknown(symbol, notebook, rows):
                    said.setdefault(problem, (cell, formula.strip()))
        for problem, (cell, formula) in said.items():
            yield (
                f"{notebook}, cell {cell}, formula {formula!r}: {problem}. Use the table's symbol for it, or say it in "
                f"the table of notebook 00 (cell {TABLE_CELL}): | $symbol$ | meaning | `code_name` | {notebook} |"
            )


def guard_every_row_is_used(rows, course):
    for row in rows:
        row.used.clear()
    list(guard_every_symbol_has_a_row(rows, course))
    for row in rows:
        if row.is_everywhere:
            continue
        bases = {one.base for one in row.symbols}
        right = [
            notebook
            for notebook in row.notebooks
            if notebook not in course or {one.base for one in row.used.get(notebook, ())} >= bases
        ]
        for notebook in row.notebooks:
            if notebook not in right:
                missing = sorted(bases - {one.base for one in row.used.get(notebook, ())})
                yield (
                    f"the row of {row.cell} names {notebook}, whose formulas do not hold {', '.join(missing)}. "
                    f"Its last field should be: {', '.join(right) or 'nothing: take the row out'}"
                )


def guard_one_meaning_per_notebook(rows, course):
    places = {}
    for row in rows:
        for symbol in row.symbols:
            for notebook in row.notebooks:
                places.setdefault((str(symbol), notebook), []).append(row.cell)
    for (symbol, notebook), cells in places.items():
        if len(cells) > 1:
            yield f"{symbol} has {len(cells)} rows for {notebook}: {', '.join(cells)}. Give one of them another symbol"


def guard_rows_can_be_read(rows, course):
    if not rows:
        yield f"notebook 00 has no row `| $symbol$ | meaning | code name | notebooks |` in a cell {TABLE_CELL}"
    for row in rows:
        if not row.notebooks:
            yield f"the row of {row.cell} has not four fields: write bars as \\lvert, \\rvert and \\mid"
        elif not row.symbols:
            yield f"the row of {row.cell} holds no symbol"
        for name in row.notebooks:
            if name != EVERYWHERE and not re.fullmatch(r"\d\db?", name):
                yield f"the row of {row.cell} names {name!r}, which is no number of a notebook"


def strange_code_names(notebook, code, package):
    """Names in the table's third column that no code cell of the row's notebooks holds, nor the package.

    `code` maps notebooks to the source of their code cells; `package` is the source of the package.
    """
    for line in (line for cell in notebook.cells if cell.id == TABLE_CELL for line in ROW.findall(cell.source)):
        symbol, _, names, notebooks = (part.strip() for part in line.split("|"))
        mine = code if notebooks == EVERYWHERE else [name.strip() for name in notebooks.split(",")]
        there = "\n".join([package, *(code[name] for name in mine if name in code)])
        for name in re.findall(r"[A-Za-z_]\w*", " ".join(re.findall(r"`([^`]+)`", names))):
            if not re.search(rf"\b{name}\b", there):
                yield f"the row of {symbol} says `{name}`, which is in no code of {notebooks} and not in the package"


GUARDS = [function for name, function in sorted(globals().items()) if name.startswith("guard_")]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_course(guard):
    assert list(guard(*read_course(FOLDER))) == []


def test_code_names_of_the_table_are_those_of_the_code():
    code, package = {}, "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("../course_utils/**/*.py"))
    for path in FOLDER.glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        code[number(path)] = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert list(strange_code_names(nbformat.read(FOLDER / CONTENTS, as_version=4), code, package)) == []


# reading formulas


@pytest.mark.parametrize(
    ("latex", "names"),
    [
        (r"P(w_t \mid w_{<t})", "P w_t w_{<t}"),
        (r"\frac{c(h\,w) + k}{c(h) + k\,|\mathcal{V}|}", r"c h w k c h k \mathcal{V}"),
        (r"\mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt{d_k}}\right) V", "softmax Q K d_k V"),
        (r"-\sum_{i} p_i \log_2 p_i \text{ bits}", "i p_i p_i"),
        (r"D_{\mathrm{KL}}(p \parallel q) \le \hat{p}", "D_{KL} p q p"),
        (r"N_{1+}(\bullet\,w),\ d_{\text{ff}} = d_{ff}", "N_{1+} w d_{ff} d_{ff}"),
        (r"\beta_1^2 x'_{i} \operatorname{argmax} e^{-u}", r"\beta_1 x_i e u"),
        (r"\int_0^\infty e^{-x}\,\mathrm{d}x", "e x d x"),
        (r"\begin{aligned} x &= y \\ \mathbf{x} \end{aligned}", r"x y \mathbf{x}"),
    ],
)
def test_symbols_of_a_formula(latex, names):
    assert list(map(str, symbols(latex))) == names.split()


def test_code_and_prices_are_no_formulas():
    source = "Is `$x$` here, or \\$5 and \\$6? So $y$:\n\n```\n$z$\n```\n\n$$\na\n$$"
    assert [formula.strip() for formula in formulas(source)] == ["y", "a"]


# the guards themselves

TABLE = r"""
| symbol | meaning | code name | notebooks |
|---|---|---|---|
| $i, j$ | local indices | | all |
| $t$ | position | `t` | 01, 03 |
| $w, w_t$ | word | `word` | 00, 01 |
| $P(w \mid h)$ | probability | `prob` | 00, 01 |
| $h$ | context | `context` | 00, 01 |
| $k$ | added count | `k` | 01 |
| $n$ | order | `order` | 01 |
| $u, u_i$ | logits | `logits` | 03, 06 |
| $d$ | width | `d_model` | 03 |
| $d_k$ | width of a head | `head_dim` | 03 |
| $g_t$ | gradient | `grad` | 03 |
| $Q, K, V$ | queries, keys, values | `q, k, v` | 03 |
| $\lvert\mathcal{V}\rvert$ | size of the vocabulary | `vocab_size` | 01 |
| $\mathrm{PPL}$ | perplexity | `perplexity` | 01 |
"""
CELLS = {
    "00": [r"A model says $P(w \mid h)$."],
    "01": [r"$$P(w_t \mid h) = \frac{k}{k\,|\mathcal{V}|}$$ of order $n$", r"$w_{t-n+1}$ and $\mathrm{PPL} = 2^{3}$"],
    "03": [r"$$\mathrm{softmax}(QK^\top / \sqrt{d_k})\,V$$", r"$u_i = \sum_j e^{u_j}$, $d = 576$, $g_t$ at $t = 1$"],
}


def complaints(table, cells):
    """Names of the guards that complain of a course, and all their sentences."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(table, id=TABLE_CELL)])
    course = {name: [("c", formula) for text in texts for formula in formulas(text)] for name, texts in cells.items()}
    found = {guard.__name__: list(guard(read_table(notebook), course)) for guard in GUARDS}
    said = [sentence for sentences in found.values() for sentence in sentences]
    return [name for name, sentences in found.items() if sentences], "\n".join(said)


def row(old, new):
    assert old in TABLE
    return TABLE.replace(old, new), CELLS


def extra(notebook, text):
    return TABLE, CELLS | {notebook: [*CELLS[notebook], text]}


def without(notebook, index):
    return TABLE, CELLS | {notebook: [text for place, text in enumerate(CELLS[notebook]) if place != index]}


HAS_A_ROW, IS_USED = "guard_every_symbol_has_a_row", "guard_every_row_is_used"
ONE_MEANING, CAN_BE_READ = "guard_one_meaning_per_notebook", "guard_rows_can_be_read"
BREAKS = {
    "a letter": (HAS_A_ROW, "z has no row", extra("03", "$z$")),
    "a Greek letter": (HAS_A_ROW, r"\tau has no row", extra("03", r"$$u / \tau$$")),
    "a styled letter": (HAS_A_ROW, r"\mathbf{u} has no row", extra("03", r"$\mathbf{u}$")),
    "a subscripted name": (HAS_A_ROW, ": v has no row", extra("03", "$d_v$")),
    "a base": (HAS_A_ROW, "z_i has no row", extra("03", "$z_i$")),
    "a letter of an index": (HAS_A_ROW, "w_{t-m} has no row", extra("01", "$w_{t-m}$")),
    "another notebook's": (HAS_A_ROW, "$n$ is for 01", extra("03", "$n$")),
    "another notebook's name": (HAS_A_ROW, "d_k has a row, but not for this notebook", extra("01", "$d_k$")),
    "another notebook's word": (HAS_A_ROW, "PPL has a row, but not", extra("03", r"$\mathrm{PPL}$")),
    "a number too much": (IS_USED, "should be: 00, 01", row("word | `word` | 00, 01", "w | `word` | 00, 01, 03")),
    "used no more": (IS_USED, "do not hold PPL", without("01", 1)),
    "one of three": (IS_USED, "do not hold W", row("$Q, K, V$", "$Q, K, V, W$")),
    "two meanings": (ONE_MEANING, "n has 2 rows for 01", row("| $h$", "| $n$ | name | `n` | 01 |\n| $h$")),
    "a name for a number": (CAN_BE_READ, "'three'", row("`order` | 01", "`order` | 01, three")),
    "a bar": (CAN_BE_READ, "four fields", row("| $h$", "| $|h|$ | its length | `len(context)` | 01 |\n| $h$")),
    "no symbol": (CAN_BE_READ, "no symbol", row("| $h$", "| $\\to$ | leads to | | 02 |\n| $h$")),
}


def test_no_guard_complains_of_a_good_course():
    assert complaints(TABLE, CELLS) == ([], "")


@pytest.mark.parametrize("name", BREAKS)
def test_a_guard_sees_the_break(name):
    guard, phrase, (table, cells) = BREAKS[name]
    guards, said = complaints(table, cells)
    assert guards == [guard]
    assert phrase in said


def test_a_course_without_a_table_is_told_what_a_row_looks_like():
    guards, said = complaints("", {"00": []})
    assert guards == [CAN_BE_READ]
    assert "| $symbol$ | meaning | code name | notebooks |" in said


def test_a_code_name_stands_in_the_notebook_or_in_the_package():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(TABLE, id=TABLE_CELL)])
    package = "t word prob context k order logits d_model head_dim grad vocab_size perplexity"
    assert list(strange_code_names(notebook, {"03": "q, k, v = 1, 2, 3"}, package)) == []
    (complaint,) = strange_code_names(notebook, {"03": "q, k = 1, 2", "01": "v = 3"}, package)
    assert complaint == "the row of $Q, K, V$ says `v`, which is in no code of 03 and not in the package"


def test_every_guard_has_a_break():
    assert {guard for guard, _, _ in BREAKS.values()} == {guard.__name__ for guard in GUARDS}
