//! How fast a whole log is audited, on one core and from memory. Run it with
//! `cargo test --release -p interlock-journal --test audit -- --ignored --nocapture speed`.

use interlock_journal::audit::Expectations;
use interlock_journal::audit::scan::scan;
use interlock_journal::{Entry, leaf_hash};

use super::{check_honest, trusting};
use crate::forge::*;

/// Seconds that this thread was on a processor: what else runs on the machine is left out.
#[expect(
    clippy::disallowed_methods,
    reason = "a stopwatch is what this test is for"
)]
pub(crate) fn now() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

#[test]
#[ignore = "measures; needs a release build"]
fn speed_of_an_audit() {
    let mut pen = Pen::default();
    pen.open();
    pen.runs(1, 20_000);
    let count = pen.entries.len() as f64;
    let bytes: usize = pen.entries.iter().map(Vec::len).sum();
    println!("{count} entries of {:.0} bytes", bytes as f64 / count);
    let files = publish(&pen.entries, &log_key());
    let rate = |what: &str, run: &mut dyn FnMut()| {
        let best = (0..3)
            .map(|_| {
                let start = now();
                run();
                now() - start
            })
            .fold(f64::MAX, f64::min);
        println!("{what:<28} {:>10.0} entries/s", count / best);
    };
    rate("leaf hashes", &mut || {
        for entry in &pen.entries {
            std::hint::black_box(leaf_hash(entry));
        }
    });
    rate("strict parser", &mut || {
        for entry in &pen.entries {
            std::hint::black_box(Entry::parse(entry).is_ok());
        }
    });
    rate("borrowing reader", &mut || {
        for entry in &pen.entries {
            std::hint::black_box(scan(entry).is_some());
        }
    });
    let tree = Expectations {
        tree_only: true,
        ..trusting()
    };
    rate("signature, tree, inclusion", &mut || {
        check_honest(&files, &tree);
    });
    rate("whole audit", &mut || {
        check_honest(&files, &trusting());
    });
}
