//! Charts of days for a terminal: what was in blocks, what is to come as a band. Draws what it is given.

/// Lines of a chart.
const HEIGHT: i64 = 8;
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One day.
#[derive(Debug, Clone, Copy)]
pub enum Bar {
    /// It cost this.
    Was(i64),
    /// It will cost about this, between these.
    Ahead { lower: i64, expected: i64, upper: i64 },
}

impl Bar {
    fn top(self) -> i64 {
        match self {
            Self::Was(amount) => amount,
            Self::Ahead { upper, .. } => upper,
        }
    }

    /// What it shows of the line that begins at `floor` and is `step` high.
    fn cell(self, floor: i64, step: i64) -> char {
        match self {
            Self::Was(amount) => eighth(amount.saturating_sub(floor), step),
            Self::Ahead { expected, .. } if (floor..floor.saturating_add(step)).contains(&expected) => '━',
            Self::Ahead { lower, .. } if floor.saturating_add(step) <= lower => ' ',
            Self::Ahead { upper, .. } if floor < upper => '░',
            Self::Ahead { .. } => ' ',
        }
    }
}

fn eighth(part: i64, whole: i64) -> char {
    let eighths = i128::from(part.clamp(0, whole)) * 8 / i128::from(whole.max(1));
    // Something is never nothing.
    let least = i128::from(part > 0);
    let at = usize::try_from(eighths.max(least)).unwrap_or(0);
    EIGHTHS.get(at).copied().unwrap_or('█')
}

/// The bars beside each other, and how much the top of the chart is.
pub fn lines(bars: &[Bar]) -> (Vec<String>, i64) {
    let top = bars.iter().map(|bar| bar.top()).max().unwrap_or(0).max(1);
    let step = top / HEIGHT + i64::from(top % HEIGHT != 0);
    let line = |at: i64| bars.iter().map(|bar| bar.cell(at * step, step)).collect();
    ((0..HEIGHT).rev().map(line).collect(), step.saturating_mul(HEIGHT))
}

/// Amounts in one line.
pub fn spark(amounts: impl IntoIterator<Item = i64>) -> String {
    let amounts: Vec<i64> = amounts.into_iter().collect();
    let top = amounts.iter().copied().max().unwrap_or(0).max(1);
    amounts.into_iter().map(|amount| eighth(amount, top)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_drawn_as_reviewed() {
        let ahead = |expected: i64| Bar::Ahead {
            lower: expected - 25,
            expected,
            upper: expected + 30,
        };
        let bars: Vec<Bar> = [0, 1, 40, 80, 120]
            .into_iter()
            .map(Bar::Was)
            .chain([60, 80, 100].map(ahead))
            .collect();
        let (drawn, top) = lines(&bars);
        insta::assert_snapshot!(
            drawn
                .iter()
                .map(|line| format!("|{line}|"))
                .collect::<Vec<_>>()
                .join("\n")
        );
        assert_eq!((top, drawn.len()), (136, 8));
        assert_eq!(spark([0, 1, 500, 1_000]), " ▁▄█");
        assert_eq!((lines(&[]).1, spark([])), (8, String::new()));
        let _ = lines(&[Bar::Was(i64::MAX), Bar::Was(i64::MIN)]);
    }
}
