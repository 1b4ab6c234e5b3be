"""144 key rotations in a day that passes in minutes: see `bench.key_rotations`."""
