//! Cases by chance: a chain that holds, then some faults.

mod certificates;
mod files;
mod names;

use time::OffsetDateTime;
use time::macros::datetime;

use super::dice::Dice;
use super::keys::{ED25519, KEYS, P256, P384, P521, RSA_1024, RSA_2048, pem};
use super::recipe::{EXTENDED_KEY_USAGE, Recipe, make};

/// A question to Go and to certferry.
pub struct Case {
    pub number: u64,
    /// The faults, by name.
    pub faults: Vec<&'static str>,
    /// The file with the leaf and its intermediates.
    pub chain: String,
    pub roots: String,
    pub key: String,
    pub at: OffsetDateTime,
    pub usage: Usage,
    pub host: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    Any,
    Client,
    Server,
}

/// Everything of a case before it is written down.
pub struct World {
    /// The leaf, the intermediates from below, the root, others.
    pub recipes: Vec<Recipe>,
    /// Which certificates the leaf's file holds.
    pub chain: Vec<usize>,
    /// Which the roots' file.
    pub roots: Vec<usize>,
    pub depth: usize,
    pub at: OffsetDateTime,
    pub usage: Usage,
    pub host: Option<String>,
    pub key: Option<String>,
    /// What is done to the text of the leaf's file, of the roots' and of the key's.
    pub text: [Option<files::Change>; 3],
}

/// A fault, and how many times as often as others it is taken.
type Fault = (&'static str, usize, fn(&mut World, &mut Dice));

/// Makes the case of a number.
pub fn case(seed: u64, number: u64) -> Case {
    let mut dice = Dice::new(seed, number);
    let mut world = World::new(&mut dice);
    let all = [certificates::FAULTS, names::FAULTS, files::FAULTS].concat();
    let bag: Vec<&Fault> = all.iter().flat_map(|fault| std::iter::repeat_n(fault, fault.1)).collect();
    let count = *dice.pick(&[0, 1, 1, 1, 1, 2, 2, 2, 3]);
    let faults = (0..count).map(|_| **dice.pick(&bag)).collect::<Vec<Fault>>();
    for (_, _, plant) in &faults {
        plant(&mut world, &mut dice);
    }
    world.write(number, faults.iter().map(|fault| fault.0).collect(), &mut dice)
}

/// A key of a CA: elliptic curves mostly, because they sign fast.
pub fn any_authority_key(dice: &mut Dice) -> usize {
    match dice.below(20) {
        0 | 1 => *dice.pick(&P384),
        2 => *dice.pick(&P521),
        3 => *dice.pick(&ED25519),
        4 | 5 => *dice.pick(&RSA_2048),
        6 => RSA_1024,
        _ => *dice.pick(&P256),
    }
}

/// A key of any kind.
pub fn any_key(dice: &mut Dice) -> usize {
    dice.below(KEYS.len())
}

impl World {
    fn new(dice: &mut Dice) -> Self {
        let depth = *dice.pick(&[0, 0, 1, 1, 1, 2, 2, 3]);
        let usage =
            *dice.pick(&[Usage::Any, Usage::Client, Usage::Client, Usage::Server, Usage::Server, Usage::Server]);
        let key = if dice.chance(20) { any_key(dice) } else { *dice.pick(&P256) };
        let mut leaf = Recipe::leaf("leaf", Some(1), key);
        leaf.set(
            EXTENDED_KEY_USAGE,
            false,
            names::usages(match usage {
                Usage::Client => &[names::CLIENT_AUTH],
                _ => &[names::SERVER_AUTH],
            }),
        );
        leaf.set(super::recipe::ALT_NAME, false, names::usual());
        let mut recipes = vec![leaf];
        for level in 1..=depth {
            let key = any_authority_key(dice);
            recipes.push(Recipe::authority(&format!("intermediate {level}"), Some(level + 1), key));
        }
        recipes.push(Recipe::authority("root", None, any_authority_key(dice)));
        let host = (usage == Usage::Server && dice.chance(60)).then(|| (*dice.pick(names::OWN_HOSTS)).to_owned());
        Self {
            chain: (0..=depth).collect(),
            roots: vec![depth + 1],
            recipes,
            depth,
            at: datetime!(2026-06-15 12:00 UTC),
            usage,
            host,
            key: None,
            text: [None, None, None],
        }
    }

    /// A certificate of the chain.
    pub fn any(&self, dice: &mut Dice) -> usize {
        dice.below(self.depth + 2)
    }

    /// A CA of the chain.
    pub fn any_authority(&self, dice: &mut Dice) -> usize {
        1 + dice.below(self.depth + 1)
    }

    pub const fn root(&self) -> usize {
        self.depth + 1
    }

    /// Adds a certificate and returns its number.
    pub fn add(&mut self, recipe: Recipe) -> usize {
        self.recipes.push(recipe);
        self.recipes.len() - 1
    }

    fn write(&self, number: u64, faults: Vec<&'static str>, dice: &mut Dice) -> Case {
        let made: Vec<_> = (0..self.recipes.len()).map(|number| make(&self.recipes, number)).collect();
        let file = |list: &[usize]| list.iter().map(|number| pem("CERTIFICATE", &made[*number])).collect::<String>();
        let is_pkcs8 = dice.chance(50);
        let key = self.key.clone().unwrap_or_else(|| KEYS[self.recipes[0].key].pem(is_pkcs8));
        let mut texts = [file(&self.chain), file(&self.roots), key];
        for (text, change) in texts.iter_mut().zip(&self.text) {
            if let Some(change) = change {
                *text = change(text, dice);
            }
        }
        let [chain, roots, key] = texts;
        let (at, usage, host) = (self.at, self.usage, self.host.clone());
        Case { number, faults, chain, roots, key, at, usage, host }
    }
}
