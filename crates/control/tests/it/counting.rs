//! A store that writes down what it is asked, so that two requests can be seen to have done the same work.

use std::sync::Mutex;

use async_trait::async_trait;
use store::StoreError;
use store::minded::{About, Asked, Mind, MindedStore};

pub type Counting = MindedStore<Asks>;

#[derive(Debug, Default)]
pub struct Asks(Mutex<Vec<String>>);

impl Asks {
    /// What was asked since this was last called.
    pub fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[async_trait]
impl Mind for Asks {
    async fn before(&self, asked: &Asked<'_>) -> Result<(), StoreError> {
        let note = match asked.about {
            // That a session is in use is written down now and then, whatever is asked.
            About::Changes(_, []) => return Ok(()),
            About::Changes(scope, audits) => {
                let acts = audits
                    .iter()
                    .map(|audit| (&audit.record.act, &audit.record.outcome));
                format!("commit {} {:?}", scope.tenant(), acts.collect::<Vec<_>>())
            }
            About::Kind(kind) => format!("{} {}", asked.method, kind.as_str()),
            _ => asked.method.to_owned(),
        };
        self.0.lock().unwrap().push(note);
        Ok(())
    }
}
