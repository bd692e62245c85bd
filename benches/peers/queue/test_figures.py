"""`python3 -B -m unittest discover -s benches/peers/queue`."""

import unittest

from figures import Goal, latencies_ms, number, percentile
from goals import goals
from processes import cpu_seconds, high_water_mib

STATUS = "Name:\teverreach\nVmPeak:\t  900000 kB\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n"
# The second field is a program's name, which may hold blanks and brackets.
STAT = "42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 7 7 20 0 4 0 100 1000 100"


class Figures(unittest.TestCase):
    def test_a_percentile_is_one_of_the_values(self) -> None:
        values = [float(value) for value in range(200, 0, -1)]
        self.assertEqual((percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)), (100, 198, 200))
        self.assertEqual(percentile([7.0], 0.99), 7)
        with self.assertRaises(ValueError):
            percentile([], 0.5)

    def test_a_job_that_nobody_handled_is_an_error_and_no_latency(self) -> None:
        self.assertEqual(latencies_ms({"a": 1_000_000, "b": 0}, {"b": 500_000, "a": 3_000_000}), [2.0, 0.5])
        with self.assertRaisesRegex(ValueError, "1 of 2"):
            latencies_ms({"a": 1, "b": 2}, {"a": 2})

    def test_a_goal_is_about_the_ratio_when_there_is_a_peer_and_about_the_value_when_not(self) -> None:
        self.assertTrue(Goal("drain", 100, 100, at_least=1).is_met)
        self.assertFalse(Goal("drain", 99, 100, at_least=1).is_met)
        self.assertTrue(Goal("memory", 20, None, at_most=20).is_met)
        self.assertFalse(Goal("pick-up", 1.9, 1.8, at_most=1).is_met)
        self.assertIn("NO", Goal("pick-up", 1.9, 1.8, at_most=1).row())

    def test_large_numbers_have_no_fraction(self) -> None:
        self.assertEqual([number(value) for value in (47276.4, 250.0, 1.234, None)], ["47,276", "250", "1.23", "-"])


class Goals(unittest.TestCase):
    def test_what_was_not_measured_has_no_row(self) -> None:
        self.assertEqual(goals({}, {}), [])
        sides = {"PostgreSQL: ours, tuned": {"drain_per_s": 50.0}, "PostgreSQL: graphile-worker, tuned": {"drain_per_s": 40.0}}
        [goal] = goals(sides, {})
        self.assertEqual((goal.value, goal.is_met), (1.25, True))


class Processes(unittest.TestCase):
    def test_memory_is_the_high_water_mark(self) -> None:
        self.assertEqual(high_water_mib(STATUS), 20)

    def test_processor_time_is_found_behind_any_program_name(self) -> None:
        self.assertEqual(cpu_seconds(STAT, ticks=100), 2)


if __name__ == "__main__":
    unittest.main()
