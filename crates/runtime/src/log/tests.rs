//! One publication against stores and guards that fail, lie, or die at any step. Whatever they do, the notes that were
//! ever signed must be of one growing tree, and what was acknowledged must be in it.

mod attacks;
mod faults;
mod world;
