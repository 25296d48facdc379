//! Pages of lists, in the order that the caller wants. What is there all the time and keeps its place is on one page
//! exactly, whatever comes and goes meanwhile.

use super::Call;
use crate::page::{By, Page, Place, Sorting};
use crate::problem::{Code, Problem};

impl Call {
    /// In which order the list shall be.
    pub(super) fn sorting(&self) -> Result<Sorting, Problem> {
        Sorting::read(self.query("sort"), self.endpoint.sorts)
    }

    /// Where the page begins, and how many items it may have.
    pub(super) fn page_after(&self) -> Result<(Option<Place>, usize), Problem> {
        let (after, limit) = self.page()?;
        let read = |text: String| {
            serde_json::from_str(&text)
                .map_err(|_| Problem::new(Code::Malformed, "`cursor` is of another release"))
        };
        Ok((after.map(read).transpose()?, limit))
    }

    /// The page that ends at `last` and goes on, or does not.
    pub(super) fn page_to<V>(&self, items: Vec<V>, last: Option<&Place>) -> Page<V> {
        let seal = |last: &Place| {
            let place = serde_json::to_string(last).ok()?;
            self.control.keys.cursors.seal(&self.list_name(), &place)
        };
        Page {
            items,
            next_cursor: last.and_then(seal),
        }
    }

    /// A page of `items`, whose places `place` says, after the caller's cursor. Those it may not see are to be left out
    /// before.
    // threat: AGP-I2
    // threat: ANP-0015
    pub fn page_of<T, V>(
        &self,
        items: impl IntoIterator<Item = T>,
        place: impl Fn(&T, By) -> Place,
        view: impl Fn(T) -> V,
    ) -> Result<Page<V>, Problem> {
        let sorting = self.sorting()?;
        let (after, limit) = self.page_after()?;
        let is_due = |place: &Place| {
            let after = after.as_ref();
            after.is_none_or(|after| sorting.compare(place, after).is_gt())
        };
        let placed = items.into_iter().map(|item| (place(&item, sorting.by), item));
        let mut rest: Vec<(Place, T)> = placed.filter(|(place, _)| is_due(place)).collect();
        rest.sort_by(|(one, _), (other, _)| sorting.compare(one, other));
        let goes_on = rest.len() > limit;
        rest.truncate(limit);
        let last = rest.last().filter(|_| goes_on).map(|(place, _)| place.clone());
        let items = rest.into_iter().map(|(_, item)| view(item)).collect();
        Ok(self.page_to(items, last.as_ref()))
    }
}
