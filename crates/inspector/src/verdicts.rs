//! Verdicts that are still good, by a keyed digest of what was asked. Never holds a text, and none of one tenant answers
//! another.

use std::sync::Arc;
use std::time::Duration;

use guard::Finding;

use crate::question::Question;

/// Most memory for one connector's verdicts, about.
const BYTES_MAX: u64 = 16 << 20;

/// Findings by the number of the text within what was asked together.
pub type Found = Arc<[(usize, Finding)]>;

/// What is asked together.
pub type Key = [u8; 32];

/// Verdicts that are still good.
#[derive(Debug)]
pub struct Verdicts {
    seed: [u8; 32],
    version: blake3::Hash,
    known: Option<moka::sync::Cache<Key, Found>>,
}

impl Verdicts {
    /// None yet. With no time to be good for, there never is one. `seed` is random and known to nobody else, so that digests
    /// tell nothing of short texts; `version` is whatever a verdict depends on beside the text.
    pub fn new(seed: [u8; 32], version: &str, good_for: Duration) -> Self {
        let cache = || {
            moka::sync::Cache::builder()
                .max_capacity(BYTES_MAX)
                .time_to_live(good_for)
                .weigher(|_: &Key, found: &Found| weight(found))
                .build()
        };
        Self {
            seed,
            version: blake3::hash(version.as_bytes()),
            known: (!good_for.is_zero()).then(cache),
        }
    }

    /// Under what the verdict on these texts is kept.
    // threat: AGP-I2
    pub fn key(&self, question: &Question<'_>, texts: &[usize]) -> Key {
        let mut hasher = blake3::Hasher::new_keyed(&self.seed);
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(self.version.as_bytes());
        part(question.tenant.as_bytes());
        part(question.direction.as_str().as_bytes());
        part(question.model.unwrap_or_default().as_bytes());
        for text in texts.iter().filter_map(|at| question.texts.get(*at)) {
            part(&[text.origin as u8]);
            part(text.text.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    pub fn get(&self, key: &Key) -> Option<Found> {
        self.known.as_ref()?.get(key)
    }

    pub fn keep(&self, key: Key, found: Found) {
        if let Some(known) = &self.known {
            known.insert(key, found);
        }
    }
}

fn weight(found: &Found) -> u32 {
    let rules: usize = found.iter().map(|(_, finding)| finding.rule.len() + 96).sum();
    u32::try_from(rules + 128).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use domain::{RequestIds, TenantId};
    use guard::{Direction, Origin};

    use super::*;
    use crate::question::Text;

    #[test]
    fn agp_i2_a_verdict_is_one_tenants_of_one_text_one_way() {
        let verdicts = Verdicts::new([7; 32], "v1", Duration::from_secs(60));
        let (request, tenant) = (RequestIds::new().next(), TenantId::generate());
        let texts = |text, origin| [Text { origin, text }];
        let key = |verdicts: &Verdicts, tenant, direction, model, texts: &[Text<'_>]| {
            let question = Question {
                tenant,
                request,
                direction,
                model,
                texts,
            };
            let all: Vec<usize> = (0..texts.len()).collect();
            verdicts.key(&question, &all)
        };
        let plain = texts("one", Origin::User);
        let first = key(&verdicts, tenant, Direction::Input, Some("m"), &plain);
        assert_eq!(first, key(&verdicts, tenant, Direction::Input, Some("m"), &plain));
        let other = Verdicts::new([7; 32], "v2", Duration::from_secs(60));
        for differs in [
            key(
                &verdicts,
                TenantId::generate(),
                Direction::Input,
                Some("m"),
                &plain,
            ),
            key(&verdicts, tenant, Direction::Output, Some("m"), &plain),
            key(&verdicts, tenant, Direction::Input, Some("n"), &plain),
            key(
                &verdicts,
                tenant,
                Direction::Input,
                Some("m"),
                &texts("two", Origin::User),
            ),
            key(
                &verdicts,
                tenant,
                Direction::Input,
                Some("m"),
                &texts("one", Origin::System),
            ),
            key(&other, tenant, Direction::Input, Some("m"), &plain),
        ] {
            assert_ne!(first, differs);
        }
        verdicts.keep(first, Arc::from([]));
        assert!(verdicts.get(&first).is_some());
        let never = Verdicts::new([7; 32], "v1", Duration::ZERO);
        never.keep(first, Arc::from([]));
        assert!(never.get(&first).is_none());
    }
}
