"""The words and sentences of the first domain: a small town."""

from course_utils.corpora.tinyworld.wording import Subject, Wording

TOWN = Wording(
    people=(
        *(("Mia", "She"), ("Tom", "He"), ("Anna", "She"), ("Ben", "He"), ("Lily", "She"), ("Max", "He")),
        *(("Zoe", "She"), ("Sam", "He"), ("Eva", "She"), ("Leo", "He"), ("Nora", "She"), ("Finn", "He")),
        *(("Ruth", "She"), ("Omar", "He"), ("Ines", "She"), ("Paul", "He"), ("Kira", "She"), ("Hugo", "He")),
        *(("Tara", "She"), ("Ravi", "He"), ("Lucy", "She"), ("Jack", "He"), ("Aiko", "She"), ("Emil", "He")),
    ),
    places=(
        *("park", "school", "market", "library", "beach", "river", "bakery", "station"),
        *("farm", "museum", "lake", "theatre", "playground", "church", "zoo", "castle"),
    ),
    things=(
        *("kite", "ball", "book", "boat", "drum", "hat", "map", "lamp"),
        *("doll", "flute", "basket", "puzzle", "whistle", "scarf", "clock", "bell"),
    ),
    qualities=("red", "blue", "green", "small", "big", "yellow", "white", "black", "brown", "shiny"),
    moods=("happy", "tired", "sad", "proud", "hungry", "angry", "calm", "cold", "curious", "bored"),
    topics=(
        *("the weather", "the holidays", "a song", "their friends", "a dream", "the summer"),
        *("the rain", "a game", "their cats", "a joke", "the moon", "the new teacher"),
    ),
    times=(
        *("One morning", "One day", "After school", "On Sunday", "One afternoon", "Last summer", "On Monday"),
        *("After the rain", "Before lunch", "On a windy day", "One evening", "In the holidays"),
    ),
    meetings=((" and ", " were at the "), (" met ", " at the ")),
    elsewhere=" was at the ",
    owns=" {x} had a ",
    give=("{X} gave the {thing} to {y}.", "{X} let {y} have the {thing}.", "{X} handed {y} the {thing}."),
    ask='"May I have the {thing}?" asked {y}.',
    granted="{x} said yes.",
    refused="{x} said no.",
    show=("{X} showed the {thing} to {y}.", "{X} told {y} about the {thing}."),
    swap="{X} gave {y} the {thing} and got the {other} for it.",
    put_down=("{X} put the {thing} on a bench.", "{X} left the {thing} under a tree."),
    pick_up=("{X} picked up the {thing}.", "{X} found the {thing}."),
    go=("{X} went to the {place}", "{X} walked to the {place}", "{X} ran to the {place}"),
    alone=". Nobody was there.",
    one_there=" and met {y}.",
    two_there=" and met {y} and {z}.",
    talk="{x} and {y} talked about ",
    feel="In the end, {x} was ",
    who="Who has the {thing}?",
    nobody="nobody",
    where="Where is the {thing}?",
    where_person="Where is {y}?",
    which="What is the {thing} like?",
    how="How is {y}?",
    who_said="{y} has the {thing}.",
    where_said="The {thing} is at the {place}.",
    where_person_said="{y} is at the {place}.",
    which_said="The {thing} is {quality}.",
    how_said="{y} is {mood}.",
    held_by_person="{y} has the {quality} {thing} at the {place}.",
    left_at_place="The {quality} {thing} lies at the {place}.",
    subjects=(
        Subject(
            " saw the new film at the ",
            {
                "story": (("clever", "touching"), ("silly", "boring")),
                "music": (("lovely", "gentle"), ("loud", "ugly")),
                "ending": (("funny", "sweet"), ("weak", "sudden")),
                "acting": (("strong", "natural"), ("stiff", "false")),
            },
        ),
        Subject(
            " ate at the cafe near the ",
            {
                "soup": (("hot", "tasty"), ("salty", "thin")),
                "bread": (("fresh", "crisp"), ("stale", "burnt")),
                "waiter": (("friendly", "quick"), ("rude", "slow")),
                "cake": (("sweet", "perfect"), ("dry", "heavy")),
            },
        ),
        Subject(
            " read an old story at the ",
            {
                "plot": (("clever", "gripping"), ("confusing", "boring")),
                "language": (("clear", "lovely"), ("clumsy", "dull")),
                "hero": (("brave", "funny"), ("weak", "annoying")),
                "ending": (("touching", "perfect"), ("sudden", "silly")),
            },
        ),
        Subject(
            " stayed at the hotel near the ",
            {
                "room": (("clean", "bright"), ("dirty", "tiny")),
                "bed": (("soft", "warm"), ("hard", "broken")),
                "view": (("lovely", "splendid"), ("dull", "ugly")),
                "breakfast": (("tasty", "fresh"), ("poor", "stale")),
            },
        ),
        Subject(
            " took the bus tour from the ",
            {
                "driver": (("careful", "friendly"), ("rude", "careless")),
                "guide": (("funny", "patient"), ("boring", "late")),
                "bus": (("clean", "modern"), ("dirty", "noisy")),
                "route": (("scenic", "splendid"), ("dull", "short")),
            },
        ),
    ),
    aspect="The {aspect} was ",
    degrees=("", "very ", "rather ", "quite ", "really "),
    recommended=("{x} loved it.", "{x} wants to come again.", "{x} told everyone."),
    advised_against=("{x} hated it.", "{x} will never come again.", "{x} wants the money back."),
)
