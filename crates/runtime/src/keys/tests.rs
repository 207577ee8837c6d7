//! What keys do: made, wrapped anew, destroyed, and what is left when anything dies in between.
