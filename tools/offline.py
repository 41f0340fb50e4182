"""nbconvert's templates for pages and slides that ask no server, and the files that they load instead."""

import shutil
import sysconfig
from pathlib import Path

from nbconvert import HTMLExporter, SlidesExporter

HERE = Path(__file__).resolve().parent
NPM = HERE.parent / "node_modules"
DATA = Path(sysconfig.get_path("data")) / "share/jupyter"

# what a page loads: name in _static -> file or folder
STATIC = {
    "require.js": NPM / "requirejs/require.js",
    "mathjax.js": NPM / "mathjax/es5/tex-svg-full.js",
    "embed-amd.js": NPM / "@jupyter-widgets/html-manager/dist/embed-amd.js",
    "anywidget.js": DATA / "nbextensions/anywidget/index.js",
    "dark.css": DATA / "nbconvert/templates/lab/static/theme-dark.css",
    "export.css": HERE / "export.css",
}
STATIC_SLIDES = {
    "reveal.js/dist": NPM / "reveal.js/dist",
    "reveal.js/plugin/notes": NPM / "reveal.js/plugin/notes",
}

DARK = '<link rel="stylesheet" href="_static/dark.css" media="screen and (prefers-color-scheme: dark)">'
STYLE = '<link rel="stylesheet" href="_static/export.css">'

# the parts of the templates that would ask a server or lose an alternative text, replaced
OFFLINE = """
{%- block html_head_js_jquery -%}{%- endblock -%}
{%- block html_head_js_requirejs -%}
<script src="_static/require.js"></script>
<script>
require.config({paths: {
  anywidget: "_static/anywidget",
  "@jupyter-widgets": "_static", "@jupyter-widgets/html-manager/dist": "_static",  // where the widgets' icons lie
}});
</script>
{%- endblock -%}
{%- block html_head_js_mathjax -%}
{%- if resources.formulas -%}
<script>
window.MathJax = {
  tex: {inlineMath: [["$", "$"], ["\\\\(", "\\\\)"]], processEscapes: true, tags: "ams"},
  options: {ignoreHtmlClass: "jupyter-widgets"},  // a token may be a dollar sign
  startup: {ready() {
    MathJax.startup.defaultReady();  // widgets speak MathJax 2 when a label holds a formula
    MathJax.Hub = {Queue: ([, , element]) => MathJax.startup.promise.then(() => MathJax.typesetPromise([element]))};
  }},
};
</script>
<script defer src="_static/mathjax.js"></script>
{%- endif -%}
{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block data_png scoped -%}
{%- set alt = output | get_metadata("alt", "image/png") -%}
<div class="jp-RenderedImage jp-OutputArea-output {{ extra_class }}">
<img src="data:image/png;base64,{{ output.data['image/png'] | escape_html }}"
{%- if alt %} alt="{{ alt | escape_html }}"{% endif -%}>
</div>
{%- endblock -%}
{%- block data_widget_view scoped -%}
{{ super() }}
{%- if "text/html" in output.data -%}<div class="cu-print">{{ output.data["text/html"] }}</div>{%- endif -%}
{%- endblock -%}
"""
# what a notebook keeps out of sight until it is asked for: code that only draws, and what answers a prediction
FOLDED = """
{%- block input_group -%}
{%- if cell.metadata.get("jupyter", {}).source_hidden -%}
<details class="cu-folded"><summary>Show the code</summary>
{{ super() }}
</details>
{%- else -%}{{ super() }}{%- endif -%}
{%- endblock -%}
{%- block output_group -%}
{%- if cell.metadata.get("jupyter", {}).outputs_hidden -%}
<details class="cu-folded cu-answer"><summary>Show the answer</summary>
{{ super() }}
</details>
{%- else -%}{{ super() }}{%- endif -%}
{%- endblock -%}
"""
ON_THE_NEXT_KEY = """
{%- block input_group -%}
{%- if not cell.metadata.get("jupyter", {}).source_hidden -%}{{ super() }}{%- endif -%}
{%- endblock -%}
{%- block output_group -%}
{%- if cell.metadata.get("jupyter", {}).outputs_hidden -%}
<div class="fragment">{{ super() }}</div>
{%- else -%}{{ super() }}{%- endif -%}
{%- endblock -%}
"""
PAGE = (
    "{%- extends 'lab/index.html.j2' -%}"
    + OFFLINE
    + FOLDED
    + f"""
{{%- block html_head_css -%}}
{DARK}
{STYLE}
<script>
{{  // the theme, for the parts that ask the body for it
  const dark = matchMedia("screen and (prefers-color-scheme: dark)");
  const tell = () => {{ document.body.dataset.jpThemeLight = !dark.matches; }};
  document.addEventListener("DOMContentLoaded", tell);
  dark.addEventListener("change", tell);
}}
</script>
{{%- endblock -%}}
{{%- block body_header -%}}
<body class="jp-Notebook cu-page" data-jp-theme-light="true">
<main>
{{%- endblock -%}}
"""
)
SLIDES = (
    "{%- extends 'reveal/index.html.j2' -%}"
    + OFFLINE
    + ON_THE_NEXT_KEY
    + f"""
{{%- block html_head_css -%}}
{STYLE}
{{%- endblock -%}}
{{%- block footer_js -%}}
<script>
require(["_static/reveal.js/dist/reveal.js", "_static/reveal.js/plugin/notes/notes.js"], (Reveal, Notes) =>
  Reveal.initialize({{hash: true, slideNumber: "c/t", width: 1280, height: 800, margin: 0.02, plugins: [Notes]}}));
</script>
{{%- endblock -%}}
"""
)


def page_exporter() -> HTMLExporter:
    """Make the exporter of pages."""
    return _prepared(HTMLExporter(raw_template=PAGE))


def slides_exporter() -> SlidesExporter:
    """Make the exporter of slides."""
    exporter = _prepared(SlidesExporter(raw_template=SLIDES, reveal_theme="white"))
    exporter.reveal_url_prefix = "_static/reveal.js"
    return exporter


def _prepared(exporter):
    exporter.embed_images = True
    exporter.widget_renderer_url = "_static/embed-amd.js"
    return exporter


def copy_static(files, target):
    """Copy what the pages load into the folder `target`. Raises FileNotFoundError that names the remedy."""
    for source in files.values():
        if not source.exists():
            command = "npm ci" if source.is_relative_to(NPM) else "pip install -r requirements.txt"
            raise FileNotFoundError(f"{source} is missing: run `{command}` in the course's folder first")
    for name, source in files.items():
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, destination, **_merge(source))
    for font in STATIC["embed-amd.js"].parent.glob("*.woff2"):  # the icons on widgets
        shutil.copy(font, target)


def _merge(source):
    return {"dirs_exist_ok": True, "ignore": shutil.ignore_patterns("*.map")} if source.is_dir() else {}
