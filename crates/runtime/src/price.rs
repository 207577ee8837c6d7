//! What a model call costs, by the price table of the operator's configuration. Integers only: millionths of the
//! currency's unit for each million tokens, rounded up.

use std::collections::BTreeMap;

use interlock_core::pipeline::model::Usage;

/// A model's prices, in millionths of the currency's unit for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Tokens read.
    pub input: u64,
    /// Tokens read from a cache.
    pub cached: u64,
    /// Tokens written.
    pub output: u64,
}

/// Prices by model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceTable(BTreeMap<String, Price>);

impl PriceTable {
    /// From prices by model.
    #[must_use]
    pub const fn new(prices: BTreeMap<String, Price>) -> Self {
        Self(prices)
    }

    /// What a call cost, in millionths of the currency's unit; `None` where the model has no price, never zero.
    #[must_use]
    pub fn cost_micros(&self, model: &str, usage: &Usage) -> Option<u64> {
        let price = self.0.get(model)?;
        let plain = usage.input_tokens.saturating_sub(usage.cached_tokens);
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let total = part(plain, price.input)
            + part(usage.cached_tokens, price.cached)
            + part(usage.output_tokens, price.output);
        u64::try_from(total.div_ceil(1_000_000)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_rounded_up_and_unknown_models_have_none() {
        let price = Price {
            input: 2_000_000,
            cached: 100_000,
            output: 10_000_000,
        };
        let table = PriceTable::new([("m".to_owned(), price)].into());
        let check = |input, cached, output, cost| {
            let usage = Usage {
                input_tokens: input,
                cached_tokens: cached,
                output_tokens: output,
                cost_micros: None,
            };
            assert_eq!(table.cost_micros("m", &usage), Some(cost));
        };
        check(0, 0, 0, 0);
        check(1_000_000, 0, 0, 2_000_000);
        check(1, 0, 0, 2);
        check(10, 10, 0, 1);
        check(1_000, 400, 100, 1_200 + 40 + 1_000);
        assert_eq!(table.cost_micros("other", &Usage::default()), None);
    }
}
