//! Bars in a terminal: one for each row, as long as what it cost.

use std::io::{self, Write};

use super::Group;

/// How long the longest bar is, in characters.
const WIDTH: u64 = 40;
/// How much of a name is shown.
const NAME_CHARS_MAX: usize = 40;
/// An eighth of a character, two, and so on.
const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// Draws them.
pub fn draw(rows: &[Group], out: &mut dyn Write) -> io::Result<()> {
    let most = rows.iter().map(|row| row.sums.cost.nanos()).max().unwrap_or(0);
    let names: Vec<String> = rows.iter().map(name).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (row, name) in rows.iter().zip(&names) {
        let cost = row.sums.cost;
        let bar = bar(cost.nanos(), most);
        let gap = usize::try_from(WIDTH)
            .unwrap_or(0)
            .saturating_sub(bar.chars().count());
        writeln!(out, "{name:<longest$}  {bar}{:gap$}  {cost}", "")?;
    }
    Ok(())
}

fn name(row: &Group) -> String {
    let period = row.period.iter().filter(|period| **period != row.name).cloned();
    let name = period.chain([row.name.clone()]).collect::<Vec<_>>().join("  ");
    name.chars()
        .filter(|char| !char.is_control())
        .take(NAME_CHARS_MAX)
        .collect()
}

/// A bar in eighths of a character. What cost anything is seen.
fn bar(cost: i64, most: i64) -> String {
    let (Ok(cost), Ok(most)) = (u64::try_from(cost), u64::try_from(most)) else {
        return String::new();
    };
    if cost == 0 || most == 0 {
        return String::new();
    }
    let eighths = u128::from(cost) * u128::from(WIDTH * 8) / u128::from(most);
    let eighths = usize::try_from(eighths.max(1)).unwrap_or(0);
    let mut bar = "█".repeat(eighths / 8);
    bar.extend(PARTS.get(eighths % 8).filter(|part| **part != ' '));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_share() {
        assert_eq!(bar(100, 100).chars().count(), 40);
        assert_eq!(bar(50, 100), "█".repeat(20));
        assert_eq!(bar(1, i64::MAX), "▏");
        assert_eq!(
            (bar(0, 100), bar(-1, 100), bar(0, 0)),
            (String::new(), String::new(), String::new())
        );
    }
}
