//! One suite that every store must pass: a function per promise of the contract, over a factory of handles.
//! `conformance!` turns it into tests. It is for stores' own tests, also those of other crates.

mod chain;
mod log;
mod pen;
mod prune;
mod records;
mod rows;
mod search;

use std::sync::Arc;

use async_trait::async_trait;

use crate::Store;
pub use chain::*;
pub use log::*;
pub use pen::{Pen, tenant};
pub use prune::*;
pub use records::*;
pub use rows::*;
pub use search::*;

/// Why a case failed; a failed assertion panics instead.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a case returns.
pub type Outcome = Result<(), Failure>;

/// Opens one and the same store again and again; the caller drops each handle before it asks for the next.
#[async_trait]
pub trait Factory: Send + Sync {
    /// A handle on the store, whose environment is `dev`.
    async fn open(&self) -> Result<Arc<dyn Store>, Failure>;
}

/// Makes a module of tests, one for each case, over a factory that the expression makes anew for each.
#[macro_export]
macro_rules! conformance {
    ($module:ident, $factory:expr) => {
        $crate::conformance_cases! {
            $module, $factory,
            appended_entries_read_back_and_verify
            another_head_is_a_conflict
            a_claim_fences_the_driver_before
            a_request_key_starts_one_run
            a_broken_chain_is_not_written
            an_ended_run_takes_no_more
            what_was_acknowledged_is_there_after_reopening
            a_refused_append_leaves_nothing
            many_appenders_at_once
            racing_appenders_make_one_chain
            payloads_come_back_as_they_were
            sizes_are_bounded
            tenants_are_apart
            listings_come_in_pages
            runnable_runs_are_the_longest_due_first
            waits_are_replaced_and_listed_oldest_first
            totals_count_what_is_there
            records_are_compared_and_swapped
            record_versions_never_repeat
            records_race_for_one_winner
            rejections_are_counted
            indexes_are_dense_and_kept
            a_growing_log_has_no_hole
            a_page_of_the_log_is_bounded
            the_administration_chain_is_no_run
            publication_is_compared_and_swapped
            a_broken_publication_is_not_stored
            publishers_race_for_one_winner
            pruning_takes_what_lies_below
            an_index_is_made_again_from_the_minimum
            the_index_goes_on_at_its_cursor
            indexers_race_without_harm
            a_search_finds_where_every_part_holds
            the_index_is_bounded
        }
    };
}

/// The loop behind `conformance!`.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($module:ident, $factory:expr, $($case:ident)*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() -> $crate::conformance::Outcome {
                    $crate::conformance::$case(&$factory).await
                }
            )*
        }
    };
}
