"""The story of one infection, step by step (lab/story.py), as the demo plays it."""
import campus as places
import pytest
import story as stories
from probes import Ping, Tcp, can

pytestmark = pytest.mark.incremental


def before_cordon(campus):
    """What must have worked while nothing was watching: a contact with a listed server would be
    an infection."""
    for client in campus.clients:
        for ip4, ip6 in places.CNC.values():
            can(Ping(ip4), client)
            can(Ping(ip6), client)
            can(Tcp(ip4, 80), client)
            can(Tcp(ip6, 80), client)
        can(Ping(campus["world"].ip4), client)


@pytest.fixture(scope="module")
def story(campus, cordon):
    return stories.Story(campus, cordon)


def test_1_clients_talk(story):
    story.everybody_talks()


def test_1_port_mirroring_carries_internet_traffic_to_the_sensor(story):
    story.mirror_carries_internet_traffic()


def test_2_endpoints_are_shown_with_all_their_addresses_and_their_port(story):
    story.endpoints_are_known()


def test_2_links_are_learnt_by_lldp(story):
    story.links_are_known()


def test_2_a_location_says_why(story):
    story.location_is_explained()


def test_3_an_infected_client_contacts_its_server_and_sweeps_its_neighbours(story):
    story.watch_everybody()
    story.infect_c2()


def test_3_the_sensor_reports_contact_and_sweep_with_techniques_and_evidence(story):
    story.detections_are_reported()


def test_4_policy_isolates_it_and_every_switch_verifies(story):
    story.c2_is_isolated()


def test_5_it_reaches_nobody_and_nobody_reaches_it(story):
    story.c2_is_cut_off()


def test_5_it_reaches_what_is_permitted_and_nothing_else_of_it(story):
    story.permits_work()


def test_5_not_one_packet_of_it_arrives_anywhere(story):
    story.nothing_of_c2_arrives()


def test_5_curl_gets_the_warning_page_for_any_url(story):
    story.browser_shows_why()


def test_5_chromium_shows_the_warning_page(story):
    story.chromium_shows_why()


def test_5_nobody_else_lost_a_frame_during_the_block(story):
    story.nobody_else_lost_a_frame()


def test_6_nobody_reaches_the_command_server_any_more(story):
    story.nobody_reaches_the_server()


def test_6_another_policy_blocks_only_a_pair(story):
    story.only_a_pair_is_blocked()


def test_6_nobody_lost_a_frame_by_that(story):
    story.nobody_else_lost_a_frame()


def test_6_another_policy_isolates_without_permits(story):
    story.isolated_without_permits()


def test_7_it_moves_and_not_one_packet_passes(story):
    story.c2_moves()


def test_7_it_takes_other_addresses_and_stays_contained(story):
    story.c2_takes_other_addresses()


def test_7_another_mac_with_the_same_client_id_is_contained(story):
    story.c2_takes_another_mac()


def test_7_another_mac_on_the_same_port_is_held(story):
    story.c2_hides_its_mac()


def test_7_it_comes_home_and_stays_contained(story):
    story.c2_comes_home()


def test_11_released_traffic_flows_at_once(story):
    story.c2_is_released()


def test_11_another_containment_expires(story):
    story.another_expires()


def test_11_nobody_else_lost_a_frame_during_moves_and_release(story):
    # c6 was isolated on purpose in step 6, c5 in step 11.
    lost = {name: count for name, count in story.flows.lost().items()
            if not any(client in name for client in ("c5", "c6"))}
    assert not lost


def test_the_timeline_is_shown(story):
    table = story.timeline()
    assert "packet" in table and "verified" in table
