# SPDX-License-Identifier: Apache-2.0
package AcmeSkip;

# What is skipped has been agreed to: t/skips lists file, place and reason. A
# skip that is not in it dies, so a test cannot vanish unnoticed; one that is
# allowed "elsewhere" dies in `make check` and where CI=true, since there all
# that it waits for has been installed.

use strict;
use warnings;
use Exporter qw(import);
use File::Basename qw(basename dirname);
use Test::More ();

our @EXPORT = qw(skip_file skip_here);

my $list = dirname(__FILE__) . '/../skips';

sub rows {
    open my $fh, '<', $list or die "$list: $!\n";
    return map { /^(\S+)\s+(\S+)\s+(.+)$/ && [$1, $2, $3] }
        grep { !/^(?:#|\s*$)/ } <$fh>;
}

sub is_strict { return $ENV{ACME_CHECK} || ($ENV{CI} // '') eq 'true' }

# May this file skip for that reason, here?
sub is_listed {
    my ($file, $reason) = @_;
    for (rows()) {
        my ($files, $place, $pattern) = @$_;
        return 1 if $file eq $files && $reason =~ /^$pattern$/
            && ($place eq 'anywhere' || !is_strict());
    }
    return 0;
}

sub agree {
    my ($reason) = @_;
    my $file = basename $0;
    return if is_listed($file, $reason);
    die "$file must not skip here: $reason (t/skips)\n";
}

# The rest of the file.
sub skip_file {
    my ($reason) = @_;
    agree($reason);
    Test::More::plan(skip_all => $reason);
}

# The rest of the block SKIP.
sub skip_here {
    my ($reason, $count) = @_;
    agree($reason);
    no warnings 'exiting';
    Test::More::skip($reason, $count);
}

1;
