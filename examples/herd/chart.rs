//! Lines in panels, as a picture that can be read on white and on black.

use std::fmt::Write as _;

const WIDTH: f64 = 920.0;
const PANEL: f64 = 240.0;
const TOP: f64 = 70.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 740.0;

const STYLE: &str = "
  text { font: 12px system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif; fill: #737c86 }
  .title { font-size: 16px; font-weight: 600 } .end { text-anchor: end } .middle { text-anchor: middle }
  .grid { stroke: #8b949e; stroke-opacity: .25 } .line { fill: none; stroke-width: 1.8; stroke-linejoin: round }
  .dashed { stroke-dasharray: 4 3; stroke-opacity: .8 }
  @media (prefers-color-scheme: light) { text { fill: #57606a } }
  @media (prefers-color-scheme: dark) { text { fill: #9da7b3 } }
";

/// A picture.
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    pub(crate) note: &'static str,
    /// What the horizontal axes count.
    pub(crate) x: &'static str,
    pub(crate) panels: Vec<Panel>,
}

/// Lines over common axes; the vertical one is logarithmic.
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) x: (f64, f64),
    pub(crate) y: (f64, f64),
    pub(crate) log_x: bool,
    pub(crate) lines: Vec<Line>,
}

/// One line.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) colour: &'static str,
    pub(crate) dashed: bool,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Chart {
    /// The picture as text.
    pub(crate) fn draw(&self) -> String {
        let height = self.panels.iter().fold(TOP, |height, _| height + PANEL) + 20.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n<title>{0}</title>\n<style>{STYLE}</style>\n\
             <text class=\"title\" x=\"16\" y=\"28\">{0}</text>\n<text x=\"16\" y=\"48\">{1}</text>\n",
            self.title, self.note
        );
        let mut top = TOP;
        for panel in &self.panels {
            panel.draw(&mut svg, top, self.x);
            top += PANEL;
        }
        svg.push_str("</svg>\n");
        svg
    }
}

impl Panel {
    fn place_x(&self, value: f64) -> f64 {
        let (low, high) = self.x;
        let share =
            if self.log_x { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) };
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    fn place_y(&self, value: f64, bottom: f64) -> f64 {
        let (low, high) = self.y;
        let share = (value.max(low) / low).ln() / (high / low).ln();
        bottom - share.clamp(0.0, 1.0) * (PANEL - 70.0)
    }

    fn draw(&self, svg: &mut String, top: f64, unit: &str) {
        let bottom = top + PANEL - 50.0;
        // Writing to a string does not fail.
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{:.1}\">{}</text>", top + 10.0, self.title);
        let mut tick = self.y.0;
        while tick <= self.y.1 * 1.001 {
            let y = self.place_y(tick, bottom);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{tick}</text>",
                LEFT - 8.0,
                y + 4.0
            );
            tick *= 10.0;
        }
        let ticks: &[f64] =
            if self.log_x { &[0.1, 1.0, 10.0, 60.0, 300.0] } else { &[0.0, 20.0, 40.0, 60.0, 80.0, 100.0] };
        for tick in ticks {
            let (x, y) = (self.place_x(*tick), bottom + 18.0);
            let _ = writeln!(svg, "<text class=\"middle\" x=\"{x:.1}\" y=\"{y:.1}\">{tick}</text>");
        }
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{unit}</text>", RIGHT + 16.0, bottom + 18.0);
        let mut key = top + 36.0;
        for line in &self.lines {
            let class = if line.dashed { "line dashed" } else { "line" };
            let mut path = String::new();
            for (at, (x, y)) in line.points.iter().filter(|(x, _)| *x <= self.x.1).enumerate() {
                let command = if at == 0 { 'M' } else { 'L' };
                let _ = write!(path, "{command}{:.1} {:.1}", self.place_x(*x), self.place_y(*y, bottom));
            }
            let _ = writeln!(svg, "<path class=\"{class}\" stroke=\"{}\" d=\"{path}\"/>", line.colour);
            if !line.dashed {
                let (x, y) = (RIGHT + 16.0, key);
                let _ = writeln!(
                    svg,
                    "<path class=\"line\" stroke=\"{}\" d=\"M{x} {:.1}h14\"/><text x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
                    line.colour,
                    y - 4.0,
                    x + 20.0,
                    line.name
                );
                key += 20.0;
            }
        }
    }
}
