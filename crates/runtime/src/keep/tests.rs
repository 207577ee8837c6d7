//! What is kept and marked, by label: rules, positions, tokens, and what stands for a value.
