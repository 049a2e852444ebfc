"""The look of the demo's report."""

STYLE = """
:root { --ink: #1f2933; --muted: #66727f; --line: #e4e8ec; --soft: #f6f8f9; --good: #0f766e; --bad: #c2410c; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2.5rem 1.5rem 4rem; color: var(--ink); background: #fff;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .8rem; }
h3 { font-size: .95rem; margin: 0 0 .5rem; }
.lead, .note { color: var(--muted); margin: 0; }
.note { font-size: .9rem; margin-top: .6rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 1rem; margin: 1.8rem 0; }
.figure { background: var(--soft); border-radius: .6rem; padding: 1rem 1.2rem; }
.figure b { display: block; font-size: 2rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.figure span { color: var(--muted); font-size: .9rem; }
img { width: 100%; height: auto; display: block; }
.box { border: 1px solid var(--line); border-radius: .6rem; padding: 1.2rem 1.4rem; }
.box .question { font-size: 1.1rem; margin: 0 0 1.1rem; }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: 1rem; }
.side { background: var(--soft); border-radius: .5rem; border-top: 3px solid var(--line); padding: .9rem 1rem;
  min-width: 0; }
.side.good { border-color: var(--good); } .side.bad { border-color: var(--bad); }
pre { margin: 0; font: .82rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .45rem .8rem .45rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--muted); font-weight: 600; }
td { overflow-wrap: break-word; max-width: 22rem; } td.number, th.number { text-align: right; white-space: nowrap; }
.ok, .no { white-space: nowrap; font-weight: 600; } .ok { color: var(--good); } .no { color: var(--bad); }
.given { color: var(--muted); display: block; }
li { margin: .3rem 0; } ul { padding-left: 1.2rem; margin: 0; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--soft);
  padding: .1rem .35rem; border-radius: .25rem; }
@media print { body { padding: 0; } .figure, .side { border: 1px solid var(--line); } }
"""
