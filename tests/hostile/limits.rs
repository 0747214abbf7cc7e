//! What a hostile archive costs: at most 64 MiB of memory and a second of processor time.

use std::fs;

use crate::common::run;
use crate::hostile::{COMMANDS, carry, rules};

/// Peak memory of one run.
const MEMORY_KIBIBYTES: u64 = 64 << 10;
/// Processor time of one run, which does not grow when others keep the machine busy.
const SECONDS: f64 = 1.0;

#[test]
#[ignore = "release only"]
fn release_each_costs_at_most_64_mib_and_a_second() {
    let mut worst = (0, 0.0, String::new());
    for case in rules::ALL.iter() {
        let desk = carry(&case.archive);
        for line in COMMANDS {
            // GNU time measures the process that it becomes, and little comes before that.
            let mut command = desk.wrapped(&["time", "--output=spent", "--format=%M %U %S"], line);
            assert_eq!(run(&mut command).status.code(), Some(1), "{}: {}", case.rule, case.name);
            let spent = fs::read_to_string(desk.path("spent")).unwrap();
            // The line before says that the command failed.
            let numbers: Vec<&str> = spent.lines().last().unwrap().split(' ').collect();
            let [memory, user, system] = numbers[..] else { panic!("{spent}") };
            let memory: u64 = memory.parse().unwrap();
            let seconds = user.parse::<f64>().unwrap() + system.parse::<f64>().unwrap();
            let cost = format!("{}: {}: {memory} KiB, {seconds} s", case.rule, case.name);
            assert!(memory <= MEMORY_KIBIBYTES && seconds <= SECONDS, "{cost}");
            if memory > worst.0 || seconds > worst.1 {
                worst = (worst.0.max(memory), worst.1.max(seconds), cost);
            }
        }
    }
    // A measurement of nothing would be below every limit.
    assert!(worst.0 > 4096, "{worst:?}");
    println!("at most {} KiB and {} s", worst.0, worst.1);
}
