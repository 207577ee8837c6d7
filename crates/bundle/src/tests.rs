//! Whole bundles: the example loads, and each folder of `testdata/bundles` is refused as its `expected.txt` says.
//! Adding a defect is adding a folder with the change that makes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::{Bundle, BundleProblems, OperatorPolicies};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn rendered(problems: &BundleProblems) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::none())
        .with_width(110)
        .with_links(false)
        .render_report(&mut text, problems)
        .unwrap();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn the_example_loads_and_keeps_its_version() {
    let dir = root().join("examples/incident-summary");
    let operator = OperatorPolicies::default();
    let bundle = Bundle::load(&dir, &operator).map_err(|problems| rendered(&problems)).unwrap();
    let again = Bundle::load_files(bundle.files().clone(), &operator).unwrap();
    assert_eq!(bundle.version(), again.version());
    assert_eq!(bundle.default_workflow().as_str(), "summarise");
}
