//! `interlock test`: a bundle's cases on the real machine with scripted models and people.

use std::path::Path;

use interlock_bundle::OperatorPolicies;
use interlock_runtime::case::run_case;

use crate::door::load;
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

pub(super) async fn run(common: &Common, dir: &Path, only: Option<&str>) -> Result<Exit, Failure> {
    let operator = OperatorPolicies::default();
    let bundle = load(dir, &operator)?;
    let cases: Vec<_> = bundle
        .tests()
        .iter()
        .filter(|case| only.is_none_or(|name| case.name == name))
        .collect();
    if cases.is_empty() {
        return Err(Failure::usage(
            "failed to find a case to run",
            "the bundle's tests/*.yaml name them",
        ));
    }
    let mut results = Vec::new();
    for case in cases {
        let scratch = tempfile::tempdir()?;
        let result = run_case(bundle.files(), &operator, case, scratch.path()).await?;
        if !common.json {
            print::line(&format!(
                "{}  {}",
                if result.passed() { "pass" } else { "FAIL" },
                result.name
            ));
            for difference in &result.differences {
                print::line(&format!("      {}", print::harmless(difference)));
            }
            if !result.passed() {
                print::line(&format!("      decisions, in order ({}):", case.file));
                result.decisions.iter().for_each(|decision| {
                    print::line(&format!("        {}", print::harmless(decision)))
                });
            }
        }
        results.push(result);
    }
    let failed = results.iter().filter(|result| !result.passed()).count();
    if common.json {
        let cases: Vec<_> = results
            .iter()
            .map(|result| serde_json::json!({"case": result.name, "passed": result.passed(), "differences": result.differences}))
            .collect();
        print::json(
            &serde_json::json!({"cases": cases, "passed": results.len() - failed, "failed": failed}),
        )?;
    } else {
        print::line(&format!(
            "{} passed, {failed} failed",
            results.len() - failed
        ));
    }
    Ok(if failed == 0 {
        Exit::Done
    } else {
        Exit::Failed
    })
}
