"""Web Push: an alert to the browsers that subscribed, by the push services that their makers run."""
