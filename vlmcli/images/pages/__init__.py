"""A page of text -> what of it a model with small eyes is shown, look by look (Pillow only).

    desk -> ink -> skew -> blocks -> lines -> pieces -> looks

`desk` is what lies around the page, `ink` tells letters from paper, `skew` how far the lines are from level, `blocks`
finds columns in reading order, `lines` the lines of a block and the gaps between words, `looks` what fits into one look
and its picture.
"""
