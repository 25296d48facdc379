//! What the instance says of itself, for policies to compare with. The same for every question of a set, and part
//! of its fingerprint: never per call.

use domain::DataClass;

/// What the instance says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ground {
    /// What calls carry where neither key nor caller says.
    pub data_class: DataClass,
    /// Where this gate stands.
    pub region: Option<String>,
}

impl Ground {
    /// What a call carries: what its key says, or the instance where the key says nothing; more when the
    /// caller says more, and never less.
    // threat: ANP-0017
    pub fn data_class(&self, key: Option<DataClass>, said: Option<DataClass>) -> DataClass {
        let least = key.unwrap_or(self.data_class);
        said.map_or(least, |said| said.max(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anp_0017_a_caller_raises_the_class_and_never_lowers_it() {
        for own in DataClass::ALL {
            let ground = Ground {
                data_class: own,
                region: None,
            };
            assert_eq!(ground.data_class(None, None), own);
            for key in DataClass::ALL {
                assert_eq!(ground.data_class(Some(key), None), key);
                for said in DataClass::ALL {
                    assert_eq!(ground.data_class(None, Some(said)), own.max(said));
                    assert_eq!(ground.data_class(Some(key), Some(said)), key.max(said));
                }
            }
        }
    }
}
