"""The distributions of age, gender, personality and occupation: numbers, each with its source."""

from __future__ import annotations

#: (youngest, oldest, weight). Shape of the adult audience of the largest platform, Facebook, in
#: 2024: the four younger bands as reports citing DataReportal ("Digital 2024") give them, rounded
#: to whole percents; how the rest is split at 65 is approximate. Ages are uniform within a band;
#: the last one is open and cut at 80.
AGES = ((18, 24, 23), (25, 34, 31), (35, 44, 20), (45, 54, 12), (55, 64, 8), (65, 80, 6))

#: Social media users of the world: 46.6 % female, 53.4 % male (DataReportal, "Digital 2024"; the
#: source knows no other).
FEMALE_SHARE = 0.466

MBTI_TYPES = (
    "ISTJ", "ISFJ", "INFJ", "INTJ", "ISTP", "ISFP", "INFP", "INTP",
    "ESTP", "ESFP", "ENFP", "ENTP", "ESTJ", "ESFJ", "ENFJ", "ENTJ",
)  # fmt: skip

#: Percent of women and of men by type, in the order of MBTI_TYPES: US national representative
#: sample of the MBTI Manual, 3rd edition (Myers, McCaulley, Quenk & Hammer 1998), as quoted in
#: public tables, which differ from each other by a tenth of a percent; the manual was not seen.
MBTI_FEMALE = (6.9, 19.4, 1.6, 0.9, 2.3, 9.9, 4.6, 1.7, 3.0, 10.1, 9.7, 2.4, 6.3, 16.9, 3.3, 0.9)
MBTI_MALE = (16.4, 8.1, 1.2, 3.3, 8.5, 7.6, 4.1, 4.8, 5.6, 6.9, 6.4, 4.0, 11.2, 7.5, 1.6, 2.7)

#: (cluster, percent of jobs). The 16 clusters of the US National Career Clusters Framework, which
#: OASIS's profiles use. Percents: major occupational groups of the US Occupational Employment and
#: Wage Statistics, May 2023 (Bureau of Labor Statistics), rounded and assigned to clusters by us;
#: office clerks (12.2 % of all jobs) and sales staff are shared out by judgement, so read these as
#: orders of magnitude.
PROFESSIONS = (
    ("Agriculture, Food & Natural Resources", 1.0),
    ("Architecture & Construction", 5.5),
    ("Arts, Audio/Video Technology & Communications", 1.5),
    ("Business Management & Administration", 19.5),
    ("Education & Training", 6.0),
    ("Finance", 5.0),
    ("Government & Public Administration", 1.5),
    ("Health Science", 11.0),
    ("Hospitality & Tourism", 10.0),
    ("Human Services", 5.0),
    ("Information Technology", 3.5),
    ("Law, Public Safety, Corrections & Security", 3.5),
    ("Manufacturing", 9.0),
    ("Marketing", 6.5),
    ("Science, Technology, Engineering & Mathematics", 2.5),
    ("Transportation, Distribution & Logistics", 9.0),
)

#: From this age on people are retired: normal pension ages lie around 65 in most countries (OECD,
#: "Pensions at a Glance"; a round figure). Their profession is then RETIRED.
RETIREMENT_AGE = 66
RETIRED = "Retired"

#: Respondents by answer, extremely liberal (1) to extremely conservative (7), of the 944 with a
#: full record: American National Election Study 1996, item selfLR. One hump in the middle, a
#: lighter second one to either side, few at the ends.
OPINION_SEVENTHS = (16, 103, 147, 256, 170, 218, 34)
