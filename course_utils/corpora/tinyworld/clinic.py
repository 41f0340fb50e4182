"""The words and sentences of the second domain: a hospital, whose words the town never uses."""

from course_utils.corpora.tinyworld.wording import Subject, Wording

CLINIC = Wording(
    people=(
        *(("Doctor Silva", "He"), ("Nurse Okafor", "She"), ("Doctor Brandt", "He"), ("Nurse Patel", "She")),
        *(("Surgeon Novak", "He"), ("Nurse Haddad", "She"), ("Doctor Tanaka", "He"), ("Nurse Moreau", "She")),
        *(("Surgeon Lindqvist", "He"), ("Doctor Mensah", "She"), ("Nurse Kowalski", "He")),
        *(("Doctor Rossi", "She"), ("Surgeon Demir", "He"), ("Nurse Fischer", "She")),
    ),
    places=(
        *("ward", "pharmacy", "laboratory", "surgical wing", "reception", "ambulance", "nursery"),
        *("radiology unit", "intensive care unit", "recovery suite", "archive", "canteen"),
    ),
    things=(
        *("thermometer", "stethoscope", "syringe", "chart", "scalpel", "microscope", "inhaler"),
        *("bandage", "catheter", "splint", "defibrillator", "monitor"),
    ),
    qualities=("sterile", "digital", "portable", "disposable", "faulty", "calibrated", "spare", "borrowed"),
    moods=("exhausted", "relieved", "worried", "focused", "hopeful", "puzzled", "dizzy", "cheerful"),
    topics=(
        *("a diagnosis", "the dosage", "an infection", "the vaccine", "a fracture"),
        *("an allergy", "the biopsy", "a prescription", "the symptoms"),
    ),
    times=(
        *("During rounds", "At midnight", "Before surgery", "During the night shift", "At dawn"),
        *("Following an alarm", "Between two appointments", "Throughout the epidemic"),
    ),
    meetings=((" and ", " worked in the "), (" assisted ", " in the ")),
    elsewhere=" attended patients in the ",
    owns=" {x} carried a ",
    give=("{X} passed the {thing} to {y}.", "{X} lent {y} the {thing}.", "{X} entrusted {y} with the {thing}."),
    ask="{y} requested the {thing}.",
    granted="{x} agreed.",
    refused="{x} declined.",
    show=("{X} demonstrated the {thing} to {y}.", "{X} warned {y} regarding the {thing}."),
    swap="{X} offered {y} the {thing} and received the {other} instead.",
    put_down=("{X} placed the {thing} on a trolley.", "{X} stored the {thing} inside a cabinet."),
    pick_up=("{X} retrieved the {thing}.", "{X} collected the {thing}."),
    go=("{X} hurried to the {place}", "{X} returned to the {place}", "{X} proceeded to the {place}"),
    alone=". It stood empty.",
    one_there=" and joined {y}.",
    two_there=" and joined {y} and {z}.",
    talk="{x} and {y} discussed ",
    feel="Finally, {x} felt ",
    who="Who carries the {thing}?",
    nobody="nobody",
    where="Where is the {thing}?",
    where_person="Where is {y}?",
    which="Which kind of {thing} is it?",
    how="How does {y} feel?",
    who_said="{y} carries the {thing}.",
    where_said="The {thing} is in the {place}.",
    where_person_said="{y} is in the {place}.",
    which_said="It is a {quality} {thing}.",
    how_said="{y} feels {mood}.",
    held_by_person="{y} carries the {quality} {thing} in the {place}.",
    left_at_place="The {quality} {thing} remains in the {place}.",
    subjects=(
        Subject(
            " supervised an operation in the ",
            {
                "anaesthetic": (("effective", "smooth"), ("painful", "insufficient")),
                "incision": (("precise", "tidy"), ("infected", "swollen")),
                "aftercare": (("attentive", "thorough"), ("negligent", "hasty")),
                "scar": (("invisible", "faint"), ("inflamed", "itchy")),
            },
        ),
        Subject(
            " examined a child in the ",
            {
                "paediatrician": (("compassionate", "reassuring"), ("dismissive", "impatient")),
                "medication": (("effective", "mild"), ("bitter", "harmful")),
                "consultation": (("thorough", "informative"), ("hasty", "chaotic")),
                "injection": (("painless", "swift"), ("painful", "rushed")),
            },
        ),
        Subject(
            " led a therapy in the ",
            {
                "physiotherapist": (("encouraging", "skilled"), ("absent", "disorganised")),
                "equipment": (("hygienic", "reliable"), ("outdated", "contaminated")),
                "schedule": (("flexible", "punctual"), ("chaotic", "exhausting")),
                "progress": (("remarkable", "steady"), ("disappointing", "minimal")),
            },
        ),
    ),
    aspect="The {aspect} proved ",
    degrees=("", "extremely ", "fairly ", "surprisingly ", "somewhat "),
    recommended=("{x} praised the staff.", "{x} remained grateful.", "{x} recommended the treatment."),
    advised_against=("{x} submitted a complaint.", "{x} demanded an inspection.", "{x} consulted a lawyer."),
)
