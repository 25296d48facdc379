//! Policies as they are kept: texts with names, and the tests that came with them. From these both planes'
//! policies are made, always in the same way: what is built in, what the instance's files say, and what was
//! activated on top. Never reads a file or a store: whoever does hands the texts in.

use serde::{Deserialize, Serialize};

use crate::{Desk, Engine, Ground, PolicyError, TestFailure, run_control_tests, run_tests};

/// Which policies: those of calls, or those of the control plane. They never mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plane {
    /// Who may call what.
    Calls,
    /// Who may administer what.
    Control,
}

impl Plane {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Calls, Self::Control];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Control => "control",
        }
    }
}

/// A named text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// What errors and explanations call it.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// Policies of one plane, with their tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTexts {
    /// Cedar.
    pub files: Vec<Text>,
    /// Tests of them, JSON.
    #[serde(default)]
    pub tests: Vec<Text>,
}

/// What the instance's own configuration says: in force whatever is activated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configured {
    /// Policies for calls, on top of the built-in ones.
    pub calls: PolicyTexts,
    /// Leaves the built-in default policies for calls out.
    pub replace_defaults: bool,
    /// Policies for the control plane, on top of the built-in ones.
    pub control: PolicyTexts,
    /// What the instance says of itself.
    pub ground: Ground,
}

/// A test that failed, and the file it is in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`: {}: {}", failure.name, failure.reason)]
pub struct Failed {
    /// The file's name.
    pub file: String,
    /// What came instead.
    pub failure: TestFailure,
}

impl Configured {
    /// What answers calls, with `activated` on top. One whose policies clash with the configuration's is
    /// refused: neither gives way to the other.
    // threat: ANP-0002
    pub fn engine(&self, activated: Option<&PolicyTexts>) -> Result<Engine, PolicyError> {
        Engine::standing(
            &both(&self.calls, activated),
            !self.replace_defaults,
            self.ground.clone(),
        )
    }

    /// What answers acts on the control plane, with `activated` on top.
    // threat: ANP-0014
    pub fn desk(&self, activated: Option<&PolicyTexts>) -> Result<Desk, PolicyError> {
        Desk::new(&both(&self.control, activated))
    }
}

impl PolicyTexts {
    /// Tests of these, asked of an engine, that did not get what they expect.
    pub fn failed_on_calls(&self, engine: &Engine) -> Vec<Failed> {
        self.failed(|text| run_tests(engine, text))
    }

    /// Tests of these, asked of a desk, that did not get what they expect.
    pub fn failed_on_control(&self, desk: &Desk) -> Vec<Failed> {
        self.failed(|text| run_control_tests(desk, text))
    }

    fn failed(&self, run: impl Fn(&str) -> Vec<TestFailure>) -> Vec<Failed> {
        let of_file = |test: &Text| {
            let failed = run(&test.text).into_iter().map(|failure| Failed {
                file: test.name.clone(),
                failure,
            });
            failed.collect::<Vec<_>>()
        };
        self.tests.iter().flat_map(of_file).collect()
    }
}

fn both<'a>(own: &'a PolicyTexts, activated: Option<&'a PolicyTexts>) -> Vec<(&'a str, &'a str)> {
    let files = own
        .files
        .iter()
        .chain(activated.into_iter().flat_map(|it| &it.files));
    files
        .map(|file| (file.name.as_str(), file.text.as_str()))
        .collect()
}
