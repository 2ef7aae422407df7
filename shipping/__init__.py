"""Makes a release of a checkout: wheel, source archive, .deb, their papers and their sums. No part of the product."""
