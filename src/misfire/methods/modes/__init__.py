"""Failure modes in words: why a model fails, by tags, by sentences and by mixtures, on one scorecard."""

from misfire.methods.modes.class_tags import ClassTags as ClassTags
from misfire.methods.modes.class_tags import class_tags as class_tags
from misfire.methods.modes.class_tags import tags_above as tags_above
from misfire.methods.modes.class_tags import top_tags as top_tags
from misfire.methods.modes.description_quality import DescribedMode as DescribedMode
from misfire.methods.modes.description_quality import DescriptionQuality as DescriptionQuality
from misfire.methods.modes.description_quality import description_quality as description_quality
from misfire.methods.modes.distance_and_tags import distance_by_shared_tags as distance_by_shared_tags
from misfire.methods.modes.distance_and_tags import tags_of_neighbours as tags_of_neighbours
from misfire.methods.modes.generalisation import Generalisation as Generalisation
from misfire.methods.modes.generalisation import drops_by_num_tags as drops_by_num_tags
from misfire.methods.modes.generalisation import generalisation as generalisation
from misfire.methods.modes.generalisation import random_halves as random_halves
from misfire.methods.modes.generalisation import subset_lattice as subset_lattice
from misfire.methods.modes.prime import Criteria as Criteria
from misfire.methods.modes.prime import Mode as Mode
from misfire.methods.modes.prime import greedy_prime as greedy_prime
from misfire.methods.modes.prime import prime as prime
from misfire.methods.modes.prime import success_modes as success_modes
from misfire.methods.modes.significance import Significance as Significance
from misfire.methods.modes.significance import significance as significance
