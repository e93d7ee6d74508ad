"""Train on songs that ten slaves hold, then tell the era of one of them.

    python examples/songs.py

The songs are generated, ten slaves are ten partitions of them, and everything runs here: a Redis
server in the folder `.fedredis`, and a worker for each core.
"""

import fedredis


def main() -> None:
    """Train, look at the result, use it."""
    outcome = fedredis.run(slaves=10, rounds=10)
    print(f"run {outcome.run}: {outcome.accuracy:.1%} of the songs held out are told right")

    song = "Synthetic Song 000042"
    prediction = fedredis.predict(outcome.run, song=song)
    print(f"{song} is of the {prediction.answer}:")
    for era, probability in prediction.probabilities.items():
        print(f"  {era} {probability:.1%}")


if __name__ == "__main__":
    main()
